"""Stop asking for a while after repeated failures."""

from collections.abc import Callable
from datetime import timedelta


class Breaker:
    """Counts failures in a row; after a few, says how long to wait.

    When the wait is over one call may try; its failure starts the next wait.

    Args:
        clock: Monotonic seconds.
        failures: Failures in a row that open the breaker.
        rest: How long it then stays open.
    """

    def __init__(
        self, clock: Callable[[], float], *, failures: int = 3, rest: timedelta = timedelta(seconds=10)
    ) -> None:
        self._clock = clock
        self._limit = failures
        self._rest = rest
        self._failures = 0
        self._closed_from = 0.0

    def wait(self) -> timedelta | None:
        """Tell how long to wait.

        Returns:
            The time left; None when a call may be made.
        """
        left = self._closed_from - self._clock()
        return timedelta(seconds=left) if left > 0 else None

    def succeeded(self) -> None:
        """Note a success: failures are forgotten."""
        self._failures = 0
        self._closed_from = 0.0

    def failed(self) -> None:
        """Note a failure."""
        self._failures += 1
        if self._failures >= self._limit:
            self._closed_from = self._clock() + self._rest.total_seconds()
