"""Noticing that the gateway's configuration has changed, and telling those who wait for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from maestro_gateway import Edge, EdgeSnapshot, build_edge

_LOOK_EVERY: Final = timedelta(milliseconds=50)


class EdgePublisher:
    """Holds the model of all routes as it is now.

    Args:
        snapshot: Gives what is known of services; it is asked often, and only what differs makes a new model.
        interval: How often to look.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        snapshot: Callable[[], EdgeSnapshot],
        *,
        interval: timedelta = _LOOK_EVERY,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._snapshot = snapshot
        self._interval = interval
        self._sleep = sleep
        self._seen = snapshot()
        self._edge = build_edge(self._seen)
        self._changed = asyncio.Event()

    @property
    def edge(self) -> Edge:
        """The model, up to date."""
        self._look()
        return self._edge

    async def changed(self) -> None:
        """Wait until the model is another one."""
        await self._changed.wait()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Look for changes while the block runs; who still waits at its end is told that there is one."""
        task = asyncio.create_task(self._watch(), name="edge-publisher")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._changed.set()

    async def _watch(self) -> None:
        while True:
            await self._sleep(self._interval.total_seconds())
            self._look()

    def _look(self) -> None:
        snapshot = self._snapshot()
        if snapshot is not self._seen and snapshot != self._seen:
            self._seen = snapshot
            self._edge = build_edge(snapshot)
            waiting, self._changed = self._changed, asyncio.Event()
            waiting.set()
