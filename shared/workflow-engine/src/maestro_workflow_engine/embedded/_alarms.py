"""When something falls due: one heap, one timer of the clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

from maestro_workflow_engine.embedded._clock import Clock, Wake


class Alarms:
    """Calls back with (run key, sequence number) at a time. Entries are never removed: the callee checks."""

    def __init__(self, ring: Callable[[int, int, int], None], clock: Clock) -> None:
        self._ring = ring
        self._heap: list[tuple[int, int, int]] = []
        self._handle: Wake | None = None
        self._armed_for = 0
        self._clock = clock

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
            self._handle = self._clock.wake_at(self._armed_for, self._due)

    def _due(self) -> None:
        self._handle = None
        now = self._clock.now_us()
        try:
            while self._heap and self._heap[0][0] <= now:
                self._ring(*heapq.heappop(self._heap))
        finally:  # a run that cannot be woken must not keep the others asleep
            self._arm()
