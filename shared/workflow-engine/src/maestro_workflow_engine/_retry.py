"""When a failed step is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from maestro_workflow_engine._errors import NonRetryableError, RetryAfterError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a step is tried again. The default is one attempt: retrying is safe only where you say so."""

    max_attempts: int = 1
    """Attempts in all, the first one included; 0 means no limit. Default 1."""

    initial_interval: timedelta = timedelta(seconds=1)
    """Wait before the second attempt. Default 1 s."""

    backoff: float = 2.0
    """Factor by which each wait is longer than the one before. Default 2."""

    max_interval: timedelta = timedelta(minutes=1)
    """The longest wait. Default 1 min."""

    jitter: float = 0.1
    """Share of each wait that is drawn at random, 0 to 1, so that many runs do not retry in step. Default 0.1."""

    non_retryable: tuple[type[Exception], ...] = ()
    """Exceptions that end the step at once. Default none."""

    def __post_init__(self) -> None:
        if self.max_attempts < 0:
            raise ValueError("max_attempts must be 0 (no limit) or more")
        if self.initial_interval < timedelta(0) or self.max_interval < timedelta(0):
            raise ValueError("intervals must not be negative")
        if self.backoff < 1:
            raise ValueError("backoff must be 1 or more")
        if not 0 <= self.jitter <= 1:
            raise ValueError("jitter must lie between 0 and 1")

    def allows(self, attempt: int, error: BaseException) -> bool:
        """Tell whether another attempt follows.

        Args:
            attempt: The number of the attempt that just failed, from 1.
            error: What it failed with.

        Returns:
            True when the step is to be tried again.
        """
        if isinstance(error, (NonRetryableError, *self.non_retryable)) or not isinstance(error, Exception):
            return False
        return self.max_attempts == 0 or attempt < self.max_attempts

    def delay(self, attempt: int, chance: random.Random | None = None, error: BaseException | None = None) -> timedelta:
        """Draw the wait after a failed attempt.

        Args:
            attempt: The number of the attempt that just failed, from 1.
            chance: Where the jitter comes from. Default: the process's random numbers.
            error: What it failed with; a RetryAfterError says itself how long to wait.

        Returns:
            The time to wait before the next attempt.
        """
        if isinstance(error, RetryAfterError):
            return max(error.delay, timedelta(0))
        ceiling = self.max_interval.total_seconds()
        try:
            seconds = min(self.initial_interval.total_seconds() * self.backoff ** (attempt - 1), ceiling)
        except OverflowError:
            seconds = ceiling
        drawn = chance.random() if chance else random.random()  # noqa: S311  jitter is no secret
        return timedelta(seconds=seconds * (1 - self.jitter * drawn))
