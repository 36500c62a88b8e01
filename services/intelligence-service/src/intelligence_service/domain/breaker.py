"""Stop asking for a while after repeated failures."""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

_PROBE_WAIT = timedelta(seconds=1)


class Breaker:
    """Counts failures in a row; after a few, says how long to wait.

    When the wait is over one call may try, and others wait for what becomes of it; its failure starts the next wait.

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
        self._probing = False

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """`closed` lets calls through, `open` none, `half-open` one that tries."""
        if self._failures < self._limit:
            return "closed"
        return "open" if self._closed_from > self._clock() else "half-open"

    def wait(self) -> timedelta | None:
        """Ask whether a call may be made; one that is made ends with `succeeded`, `failed` or `abandoned`.

        Returns:
            The time to wait; None when the call may be made.
        """
        left = self._closed_from - self._clock()
        if left > 0:
            return timedelta(seconds=left)
        if self._failures >= self._limit:
            if self._probing:
                return _PROBE_WAIT
            self._probing = True
        return None

    def succeeded(self) -> None:
        """Note a success: failures are forgotten."""
        self._failures = 0
        self._closed_from = 0.0
        self._probing = False

    def failed(self) -> None:
        """Note a failure."""
        self._failures += 1
        self._probing = False
        if self._failures >= self._limit:
            self._closed_from = self._clock() + self._rest.total_seconds()

    def abandoned(self) -> None:
        """Note that a call ended without saying anything about the endpoint: its caller left."""
        self._probing = False
