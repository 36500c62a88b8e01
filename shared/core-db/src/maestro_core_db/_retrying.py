"""How often, and for how long, a unit of work is tried again."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ._errors import CommitUnknownError, DatabaseError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a unit of work is done again after a transient error."""

    max_attempts: int = 8
    """The most times it is done, the first included. Default: 8."""
    budget: timedelta = timedelta(seconds=15)
    """No further attempt begins after this time. Default: 15 seconds."""
    initial_delay: timedelta = timedelta(milliseconds=20)
    """The pause after the first attempt, at most; it doubles from attempt to attempt. Default: 20 milliseconds."""
    max_delay: timedelta = timedelta(seconds=2)
    """The longest pause. Default: 2 seconds."""
    unknown_commit: Literal["raise", "repeat"] = "raise"
    """What to do when the connection was lost during COMMIT: raise `CommitUnknownError`, or do the work again, which is right for
    work that may be done twice (it has a key of its own, or sets values). Default: raise."""

    def repeats(self, error: DatabaseError) -> bool:
        """Tell whether an error is one to try again after.

        Args:
            error: How the attempt ended.
        """
        return error.is_transient or (isinstance(error, CommitUnknownError) and self.unknown_commit == "repeat")

    def delay(self, attempt: int, random_share: float | None = None) -> timedelta:
        """Return the pause after an attempt: a random part of a limit that doubles, so that rivals part.

        Args:
            attempt: Which one has just failed, from 1.
            random_share: From 0 to 1; None draws it.
        """
        share = random.random() if random_share is None else random_share  # noqa: S311 - no secret
        limit_s = min(self.max_delay.total_seconds(), self.initial_delay.total_seconds() * 2.0 ** min(attempt - 1, 30))
        return timedelta(seconds=limit_s * share)
