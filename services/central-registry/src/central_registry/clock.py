"""The present, on a clock that nobody sets."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SteadyClock:
    """Tells the time by the wall clock at its creation and the time that went by since.

    Setting the machine's clock neither ends a lease nor prolongs one, and the present never goes back.

    Args:
        monotonic: Seconds that never go back.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._created_at = datetime.now(UTC)
        self._origin_s = monotonic()

    def __call__(self) -> datetime:
        """Return the present, in UTC."""
        return self._created_at + timedelta(seconds=self._monotonic() - self._origin_s)
