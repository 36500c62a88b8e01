"""Remembered answers to the very same question, in this process."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from intelligence_service.domain.analysis import Analysis


@dataclass(slots=True)
class Counts:
    """How often looking was worth it."""

    hits: int = 0
    misses: int = 0


class _Shelf:
    """What is remembered for one tenant."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, tuple[float, Analysis]] = OrderedDict()
        self.counts = Counts()


class ExactCache:
    """Remembers the answers used last, each for a while, for each tenant apart.

    A tenant's answers are in a shelf of its own: no key, however it is made, reaches into another one, and no tenant
    pushes out what another one has.

    Args:
        ttl: How long an answer is remembered; zero remembers nothing.
        clock: Monotonic seconds.
        capacity: Most answers of one tenant; beyond it the one not used for longest goes.
        tenants: Most tenants; beyond it the one not seen for longest is forgotten.
    """

    def __init__(
        self, ttl: timedelta, *, clock: Callable[[], float], capacity: int = 2_000, tenants: int = 1_000
    ) -> None:
        self._ttl = ttl.total_seconds()
        self._clock = clock
        self._capacity = capacity
        self._tenants = tenants
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()

    def get(self, tenant: str, key: str) -> Analysis | None:
        """Recall an answer.

        Args:
            tenant: Who asks.
            key: Fingerprint of the question.

        Returns:
            The answer; None when it is unknown or too old.
        """
        shelf = self._shelf(tenant)
        entry = shelf.entries.get(key)
        if entry is not None and entry[0] <= self._clock():
            del shelf.entries[key]
            entry = None
        if entry is None:
            shelf.counts.misses += 1
            return None
        shelf.entries.move_to_end(key)
        shelf.counts.hits += 1
        return entry[1]

    def put(self, tenant: str, key: str, analysis: Analysis) -> None:
        """Remember an answer.

        Args:
            tenant: Whose answer it is.
            key: Fingerprint of the question.
            analysis: The answer.
        """
        if self._ttl <= 0:
            return
        entries = self._shelf(tenant).entries
        entries[key] = (self._clock() + self._ttl, analysis)
        entries.move_to_end(key)
        if len(entries) > self._capacity:
            entries.popitem(last=False)

    def invalidate(self, tenant: str, persona: str | None = None) -> int:
        """Forget answers.

        Args:
            tenant: Whose.
            persona: Of this persona; None forgets all of the tenant's.

        Returns:
            How many were forgotten.
        """
        entries = self._shelf(tenant).entries
        gone = [key for key, (_, analysis) in entries.items() if persona is None or analysis.persona == persona]
        for key in gone:
            del entries[key]
        return len(gone)

    def size(self, tenant: str) -> int:
        """Count what is remembered, what is too old and not yet dropped included.

        Args:
            tenant: For whom.
        """
        return len(self._shelf(tenant).entries)

    def counts(self, tenant: str) -> Counts:
        """Tell how often looking was worth it.

        Args:
            tenant: For whom.
        """
        return self._shelf(tenant).counts

    def _shelf(self, tenant: str) -> _Shelf:
        shelf = self._shelves.get(tenant)
        if shelf is None:
            shelf = self._shelves[tenant] = _Shelf()
            if len(self._shelves) > self._tenants:
                self._shelves.popitem(last=False)
        self._shelves.move_to_end(tenant)
        return shelf
