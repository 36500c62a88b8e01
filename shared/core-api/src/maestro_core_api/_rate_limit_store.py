"""Where the backlogs of rate limits are kept: what a store does, and the one in this process."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ._rate_limit import Decision, RateLimit, decide


class StoreUnavailableError(Exception):
    """A store cannot be asked now."""


@dataclass(frozen=True, slots=True)
class Take:
    """One request against one limit."""

    key: str
    """Whose backlog."""
    limit: RateLimit
    """The limit."""


class RateLimitStore(Protocol):
    """Keeps backlogs."""

    async def take(self, takes: Sequence[Take]) -> list[Decision]:
        """Add a request to all backlogs, or to none when one of the limits refuses it; nothing comes in between.

        Args:
            takes: The limits that apply.

        Returns:
            A decision for each, in the same order.

        Raises:
            StoreUnavailableError: The store cannot be asked now.
        """
        ...


class MemoryRateLimitStore:
    """Backlogs in this process.

    Args:
        max_keys: How many are kept; beyond it the one that was not touched for longest is forgotten.
        clock_us: Microseconds that only grow.
    """

    def __init__(
        self, *, max_keys: int = 100_000, clock_us: Callable[[], int] = lambda: time.monotonic_ns() // 1_000
    ) -> None:
        self._max_keys = max_keys
        self._clock_us = clock_us
        self._empty_at: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._empty_at)

    async def take(self, takes: Sequence[Take]) -> list[Decision]:
        """Add a request to all backlogs, or to none."""
        with self._lock:
            now = self._clock_us()
            backlogs = [max(0, self._empty_at.get(take.key, now) - now) for take in takes]
            taken = all(
                decide(take.limit, backlog, taken=True).allowed for take, backlog in zip(takes, backlogs, strict=True)
            )
            if taken:
                for take, backlog in zip(takes, backlogs, strict=True):
                    self._empty_at[take.key] = now + backlog + take.limit.interval_us
                    self._empty_at.move_to_end(take.key)
            self._shrink(now)
        return [decide(take.limit, backlog, taken=taken) for take, backlog in zip(takes, backlogs, strict=True)]

    def _shrink(self, now: int) -> None:
        # Two looks at the oldest for each request keep up with whatever comes in.
        for _ in range(2):
            oldest = next(iter(self._empty_at), None)
            if oldest is None or (self._empty_at[oldest] > now and len(self._empty_at) <= self._max_keys):
                return
            del self._empty_at[oldest]
