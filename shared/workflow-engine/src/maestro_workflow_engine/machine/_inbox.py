"""Signals that arrived before anybody asked, and askers who wait for one."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from maestro_workflow_engine.machine._current import MachineLoop


class Inbox:
    """The signals of one name, first in, first out."""

    def __init__(self) -> None:
        self.buffered: deque[msgspec.Raw] = deque()
        self._waiters: deque[asyncio.Future[msgspec.Raw]] = deque()

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for a signal of this name."""
        return any(not waiter.done() for waiter in self._waiters)

    def deliver(self, payload: msgspec.Raw) -> None:
        """Give a signal to whoever waits longest, or keep it."""
        if not self._hand_over(payload):
            self.buffered.append(payload)

    async def take(self, loop: MachineLoop) -> msgspec.Raw:
        """Return the next signal, waiting for it if need be."""
        if self.buffered:
            return self.buffered.popleft()
        waiter: asyncio.Future[msgspec.Raw] = loop.create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # it arrived in the very moment of the cancellation
                payload = waiter.result()
                if not self._hand_over(payload):
                    self.buffered.appendleft(payload)
            raise

    def _hand_over(self, payload: msgspec.Raw) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(payload)
                return True
        return False
