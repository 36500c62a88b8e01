"""Noticing that the gateway's configuration has changed, and telling those who wait for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from central_registry.domain import Ticker
from maestro_core_api import running_task
from maestro_gateway import Edge, EdgeSnapshot, build_edge

_REST: Final = timedelta(milliseconds=50)
_LONGEST_WAIT: Final = timedelta(seconds=1)


class EdgePublisher:
    """Holds the model of all routes as it is now.

    Args:
        snapshot: Gives what is known of services; only what differs makes a new model.
        tickers: What ticks, one of them at least, when that may have changed.
        rest: How long to wait after a look, so that many changes at once make one model.
        longest_wait: How long to wait for a tick: a lease that ends ticks only when it is swept.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        snapshot: Callable[[], EdgeSnapshot],
        tickers: Sequence[Ticker],
        *,
        rest: timedelta = _REST,
        longest_wait: timedelta = _LONGEST_WAIT,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._snapshot = snapshot
        self._tickers = tuple(tickers)
        self._rest = rest
        self._longest_wait = longest_wait
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
        try:
            async with running_task(self._watch(), name="edge-publisher"):
                yield
        finally:
            self._changed.set()

    async def _watch(self) -> None:
        while True:
            positions = [ticker.position for ticker in self._tickers]
            self._look()
            await self._sleep(self._rest.total_seconds())
            await self._tick(positions)

    async def _tick(self, positions: Sequence[int]) -> None:
        ticks = [
            asyncio.ensure_future(ticker.wait(position))
            for ticker, position in zip(self._tickers, positions, strict=True)
        ]
        wait_s = self._longest_wait.total_seconds()
        try:
            await asyncio.wait(ticks, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ticks:
                each.cancel()

    def _look(self) -> None:
        snapshot = self._snapshot()
        if snapshot is not self._seen and snapshot != self._seen:
            self._seen = snapshot
            self._edge = build_edge(snapshot)
            waiting, self._changed = self._changed, asyncio.Event()
            waiting.set()
