"""The events that a run listens for: who in it gets which, and what came too late for one and in time for the next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from maestro_workflow_engine._event_filter import Filters, decode_filters
from maestro_workflow_engine.machine._current import MachineLoop

MOST_LEFT_OVER = 1_000


class Arrived:
    """An event that has come to the run."""

    __slots__ = ("event", "is_taken", "raw")

    def __init__(self, raw: msgspec.Raw) -> None:
        self.raw = raw
        self.event: dict[str, Any] = msgspec.json.decode(raw)
        self.is_taken = False


class Listener:
    """One who listens: events wait in the order in which they came."""

    def __init__(self, name: str, filters: bytes, loop: MachineLoop) -> None:
        self.name = name
        self.filters = filters
        self.unread: deque[Arrived] = deque()
        self._wanted: Filters = decode_filters(filters)
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None

    @property
    def types(self) -> list[str]:
        """The types of events that are wanted; "*" stands for several."""
        return sorted({each.event_type or "*" for each in self._wanted})

    def wants(self, event: dict[str, Any]) -> bool:
        """Tell whether one of the filters matches."""
        return any(each.matches(event) for each in self._wanted)

    def narrow(self, filters: bytes) -> None:
        """Want something else from now on; what waits unread is looked at again."""
        self.filters, self._wanted = filters, decode_filters(filters)
        self.unread = deque(each for each in self.unread if self.wants(each.event))

    def hear(self, arrived: Arrived) -> None:
        """Take in an event."""
        self.unread.append(arrived)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> dict[str, Any]:
        """Return the next event, waiting for it if need be. One at a time may wait."""
        while not self.unread:
            self._waiter = self._loop.create_future()
            await self._waiter  # cancelled in the moment of an arrival, the event stays unread
        arrived = self.unread.popleft()
        arrived.is_taken = True
        return arrived.event


class Listening:
    """Everybody in a run who listens.

    An event that has reached the run while nobody in it was listening for it any more, because what listened had all it
    needed, is kept for the next one who listens and wants it.
    """

    def __init__(self) -> None:
        self.open: dict[str, Listener] = {}
        self.left_over: list[Arrived] = []
        self._last = 0

    def __iter__(self) -> Iterator[Listener]:
        return iter(self.open.values())

    def begin(self, filters: bytes, loop: MachineLoop) -> Listener:
        """Listen; what was left over comes first."""
        self._last += 1
        listener = Listener(str(self._last), filters, loop)
        self.open[listener.name] = listener
        for arrived in list(self.left_over):
            if listener.wants(arrived.event):
                self.left_over.remove(arrived)
                listener.hear(arrived)
        return listener

    def end(self, listener: Listener) -> None:
        """Listen no more; what waits unread, and waits for nobody else either, is left over."""
        if self.open.pop(listener.name, None) is None:
            return
        for arrived in listener.unread:
            if not arrived.is_taken and not any(arrived in other.unread for other in self):
                self._leave(arrived)
        listener.unread.clear()

    def deliver(self, raw: msgspec.Raw) -> None:
        """Let everybody hear an event who wants it."""
        arrived = Arrived(raw)
        wanting = [listener for listener in self if listener.wants(arrived.event)]
        for listener in wanting:
            listener.hear(arrived)
        if not wanting:
            self._leave(arrived)

    def _leave(self, arrived: Arrived) -> None:
        self.left_over.append(arrived)
        del self.left_over[:-MOST_LEFT_OVER]
