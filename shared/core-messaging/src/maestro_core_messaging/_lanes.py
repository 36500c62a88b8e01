"""Order by key: events of one key one after the other, events of different keys side by side."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Lane(Generic[T]):
    waiting: deque[T] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Lanes(Generic[T]):
    """Runs things: of one key in the order in which they come and never two at once, of several keys side by side.

    Args:
        attempt: Tries one thing; gets which attempt it is, from 0. Returns None when it is done with, or after how many
            seconds it is to be tried again; until then its lane waits, and no other.
        release: Gives back a thing that is not going to be tried here any more.
        concurrency: How many attempts run at once.
        grace: How long closing waits for what runs, before it is cancelled and given back.
    """

    def __init__(
        self,
        attempt: Callable[[T, int], Awaitable[float | None]],
        release: Callable[[T], Awaitable[None]],
        *,
        concurrency: int,
        grace: timedelta,
    ) -> None:
        self._attempt = attempt
        self._release = release
        self._grace_s = grace.total_seconds()
        self._room = asyncio.Semaphore(concurrency)
        self._lanes: dict[str, _Lane[T]] = {}
        self._single: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Lanes[T]"]:
        """Run things until the block ends; then finish what runs and give back what waits."""
        try:
            yield self
        finally:
            await self._close()

    async def offer(self, key: str | None, thing: T) -> None:
        """Take a thing.

        Args:
            key: Whose lane it stands in; None stands in nobody's way.
            thing: What is to be tried.
        """
        if self._closing.is_set():
            await self._release(thing)
        elif key is None:
            task = asyncio.create_task(self._run(thing))
            self._single.add(task)
            task.add_done_callback(self._single.discard)
        else:
            lane = self._lanes.setdefault(key, _Lane())
            lane.waiting.append(thing)
            if lane.task is None:
                lane.task = asyncio.create_task(self._drive(key, lane))

    async def _drive(self, key: str, lane: _Lane[T]) -> None:
        while lane.waiting:
            await self._run(lane.waiting.popleft())
        del self._lanes[key]

    async def _run(self, thing: T) -> None:
        attempts = 0
        while True:
            delay_s: float | None = 0.0
            try:
                async with self._room:
                    if not self._closing.is_set():
                        delay_s = await self._attempt(thing, attempts)
            except asyncio.CancelledError:
                await self._release(thing)
                raise
            if delay_s is None:
                return
            attempts += 1
            if await self._closes_within(delay_s):
                await self._release(thing)
                return

    async def _closes_within(self, delay_s: float) -> bool:
        if self._closing.is_set():
            return True
        try:
            async with asyncio.timeout(delay_s):
                return await self._closing.wait()
        except TimeoutError:
            return False

    async def _close(self) -> None:
        self._closing.set()
        running = [*self._single, *(lane.task for lane in self._lanes.values() if lane.task is not None)]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=self._grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for lane in self._lanes.values():
            while lane.waiting:
                await self._release(lane.waiting.popleft())
