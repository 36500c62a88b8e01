"""When something falls due: one heap, one timer of the event loop."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable

_LONGEST_WAIT_S = 30.0  # look again now and then, so that a clock set forward is noticed


def now_us() -> int:
    """Return the wall clock's time in microseconds since the epoch."""
    return time.time_ns() // 1000


class Alarms:
    """Calls back with (run key, sequence number) at a wall-clock time. Entries are never removed: the callee checks."""

    def __init__(self, ring: Callable[[int, int, int], None]) -> None:
        self._ring = ring
        self._heap: list[tuple[int, int, int]] = []
        self._handle: asyncio.TimerHandle | None = None
        self._armed_for = 0
        self._loop = asyncio.get_running_loop()

    def fill(self, entries: Iterable[tuple[int, int, int]]) -> None:
        """Take over many entries at once."""
        self._heap.extend(entries)
        heapq.heapify(self._heap)
        self._arm()

    def add(self, at_us: int, key: int, seq: int) -> None:
        """Ring at a time (µs since the epoch)."""
        heapq.heappush(self._heap, (at_us, key, seq))
        if self._handle is None or at_us < self._armed_for:
            self._arm()

    def close(self) -> None:
        """Ring no more."""
        if self._handle is not None:
            self._handle.cancel()
        self._heap.clear()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._heap:
            self._armed_for = self._heap[0][0]
            wait = max(0.0, (self._armed_for - now_us()) / 1e6)
            self._handle = self._loop.call_later(min(wait, _LONGEST_WAIT_S), self._due)

    def _due(self) -> None:
        self._handle = None
        now = now_us()
        while self._heap and self._heap[0][0] <= now:
            self._ring(*heapq.heappop(self._heap))
        self._arm()
