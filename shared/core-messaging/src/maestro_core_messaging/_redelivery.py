"""When an event that could not be handled comes again, and when no longer."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class RedeliveryPolicy:
    """How often and how fast a failed event is tried again, before it goes to the dead letters."""

    max_deliveries: int = 8
    """How often an event is delivered at most, the first time included. Default 8."""
    initial_delay: timedelta = timedelta(seconds=1)
    """Before the second delivery. Default 1 second."""
    multiplier: float = 2.0
    """By how much each further delay is longer. Default 2."""
    max_delay: timedelta = timedelta(minutes=1)
    """No delay is longer. Default 1 minute."""
    jitter: float = 0.2
    """Each delay is longer or shorter by up to this share of it, at random. Default 0.2."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.max_deliveries < 1 or self.multiplier < 1 or not 0 <= self.jitter <= 1:
            raise ValueError("max_deliveries and multiplier must be at least 1, and jitter between 0 and 1")
        if self.initial_delay < timedelta(0) or self.max_delay < timedelta(0):
            raise ValueError("delays must not be negative")

    def delay_s(self, delivery: int, *, chance: Callable[[], float] = random.random) -> float:
        """Return how long to wait after a delivery that failed, in seconds.

        Args:
            delivery: Which one it was, from 1.
            chance: Gives a number from 0 to 1.
        """
        longest = self.max_delay.total_seconds()
        first = self.initial_delay.total_seconds()
        # A power that would overflow is far beyond the longest delay.
        grown = longest if delivery > 64 else min(longest, first * self.multiplier ** (delivery - 1))
        return grown * (1 + self.jitter * (2 * chance() - 1))
