"""Who is next in a queue. Decisions only: no clock, no disk."""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from maestro_workflow_engine._start_options import LAST_PRIORITY

_Turns = OrderedDict[str, list[tuple[int, int]]]


@dataclass(slots=True, eq=False)
class InLine:
    """A run that stands in a line."""

    key: int
    tenant: str
    priority: int
    since_us: int


class RateWindow:
    """How many may begin in any stretch of `per_us`.

    Args:
        count: How many.
        per_us: In what time.
        times: When the last ones began, in µs since the epoch, oldest first.
    """

    def __init__(self, count: int, per_us: int, times: Iterable[int] = ()) -> None:
        self.count = count
        self.per_us = per_us
        self.times: deque[int] = deque(times, maxlen=count)

    def opens_us(self, now_us: int) -> int:
        """Return when the next one may begin; a time that has come is now.

        A clock that was set back has its future admissions count as those of this moment: none is forgotten, and none is waited for
        longer than one stretch.
        """
        if self.times and self.times[-1] > now_us:
            self.times = deque((min(at_us, now_us) for at_us in self.times), maxlen=self.count)
        return now_us if len(self.times) < self.count else max(now_us, self.times[0] + self.per_us)

    def note(self, now_us: int) -> None:
        """One has begun."""
        self.times.append(now_us)


class Line:
    """A queue's line: the most urgent priority first, in it one tenant after the other, and a tenant's runs as they came.

    Each call takes a time that does not grow with the number that wait (but for the logarithm of a tenant's own).
    """

    def __init__(self) -> None:
        self.concurrency: int | None = None
        self.per_tenant: int | None = None
        self.rate: RateWindow | None = None
        self.waiting: dict[int, InLine] = {}
        self.running: Counter[str] = Counter()
        self.all_running = 0
        self._turns: list[_Turns] = [OrderedDict() for _ in range(LAST_PRIORITY + 1)]
        self._barred: list[_Turns] = [OrderedDict() for _ in range(LAST_PRIORITY + 1)]

    def set_limits(self, concurrency: int | None, per_tenant: int | None, rate: RateWindow | None) -> None:
        """Change the limits; those who have begun stay."""
        self.concurrency, self.per_tenant, self.rate = concurrency, per_tenant, rate
        for tenant in {tenant for turns in (*self._turns, *self._barred) for tenant in turns}:
            self._sort(tenant)

    def join(self, place: InLine) -> None:
        """Take a place in line; one who has stood in it before keeps to its time."""
        self.waiting[place.key] = place
        turns = (self._barred if self._is_barred(place.tenant) else self._turns)[place.priority]
        heapq.heappush(turns.setdefault(place.tenant, []), (place.since_us, place.key))

    def leave(self, key: int) -> None:
        """Give up a place in line. What is left of it is dropped when its turn comes."""
        self.waiting.pop(key, None)

    def take(self, now_us: int) -> InLine | None:
        """Take the next one out of the line; `begin` it, or it counts for nothing.

        Returns:
            Its place; None when nobody waits, or the limits allow no more at the moment.
        """
        if self.concurrency is not None and self.all_running >= self.concurrency:
            return None
        if self.rate is not None and self.rate.opens_us(now_us) > now_us:
            return None
        for priority, turns in enumerate(self._turns):
            while turns:
                tenant, theirs = turns.popitem(last=False)
                place = self._first(theirs, priority)
                if theirs:
                    turns[tenant] = theirs
                if place is not None:
                    del self.waiting[place.key]
                    return place
        return None

    def begin(self, tenant: str, now_us: int) -> None:
        """Count one that begins."""
        if self.rate is not None:
            self.rate.note(now_us)
        self.resume(tenant)

    def resume(self, tenant: str) -> None:
        """Count one that had begun before."""
        self.all_running += 1
        self.running[tenant] += 1
        if self.per_tenant is not None:
            self._sort(tenant)

    def end(self, tenant: str) -> None:
        """Count one no more."""
        self.all_running -= 1
        self.running[tenant] -= 1
        if not self.running[tenant]:
            del self.running[tenant]
        if self.per_tenant is not None:
            self._sort(tenant)

    def opens_us(self, now_us: int) -> int | None:
        """Return when to look again by the clock; None when it is not time that anybody waits for."""
        if self.rate is None or not any(self._turns):
            return None
        if self.concurrency is not None and self.all_running >= self.concurrency:
            return None
        opens_us = self.rate.opens_us(now_us)
        return opens_us if opens_us > now_us else None

    def place_of(self, key: int) -> int | None:
        """Return how manieth one is, from 1, if nobody else comes and no tenant is at its limit; None when it is not in line."""
        place = self.waiting.get(key)
        if place is None:
            return None
        ahead = sum(other.priority < place.priority for other in self.waiting.values())
        sizes = Counter(other.tenant for other in self.waiting.values() if other.priority == place.priority)
        mine = sum(
            (other.since_us, other.key) < (place.since_us, key)
            for other in self.waiting.values()
            if other.priority == place.priority and other.tenant == place.tenant
        )
        order = [*self._turns[place.priority], *self._barred[place.priority]]
        before = set(order[: order.index(place.tenant)])
        theirs = sum(min(size, mine + (tenant in before)) for tenant, size in sizes.items() if tenant != place.tenant)
        return ahead + theirs + mine + 1

    def _first(self, theirs: list[tuple[int, int]], priority: int) -> InLine | None:
        while theirs:
            since_us, key = heapq.heappop(theirs)
            place = self.waiting.get(key)
            if place is not None and place.priority == priority and place.since_us == since_us:
                return place
        return None

    def _is_barred(self, tenant: str) -> bool:
        return self.per_tenant is not None and self.running[tenant] >= self.per_tenant

    def _sort(self, tenant: str) -> None:
        source, target = self._turns, self._barred
        if not self._is_barred(tenant):
            source, target = target, source
        for priority, turns in enumerate(source):
            theirs = turns.pop(tenant, None)
            if theirs is not None:
                target[priority][tenant] = theirs
