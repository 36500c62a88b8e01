"""Remembered answers, in this process."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from intelligence_service.domain.analysis import Analysis


class MemoryCache:
    """Remembers the answers used last, each for a while. Implements `AnalysisCache`.

    Args:
        ttl: How long an answer is remembered; zero remembers nothing.
        clock: Monotonic seconds.
        capacity: Most answers; beyond it the one not used for longest goes.
    """

    def __init__(self, ttl: timedelta, *, clock: Callable[[], float], capacity: int = 2_000) -> None:
        self._ttl = ttl.total_seconds()
        self._clock = clock
        self._capacity = capacity
        self._entries: OrderedDict[str, tuple[float, Analysis]] = OrderedDict()

    def get(self, key: str) -> Analysis | None:
        """See `AnalysisCache.get`."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        until, analysis = entry
        if until <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return analysis

    def put(self, key: str, analysis: Analysis) -> None:
        """See `AnalysisCache.put`."""
        if self._ttl <= 0:
            return
        self._entries[key] = (self._clock() + self._ttl, analysis)
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
