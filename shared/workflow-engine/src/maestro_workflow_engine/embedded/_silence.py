"""How long an attempt gives no sign of life."""

from __future__ import annotations

import asyncio
import time


class WallSilence:
    """Lets a timeout expire once nobody has called `beat` for a while, by the machine's monotonic clock.

    A beat only takes note of the time, so that it costs little and may come from any thread; the timer looks again when it
    rings.

    Args:
        limit: The timeout, entered and without a time of its own.
        seconds: How long silence may last.
    """

    def __init__(self, limit: asyncio.Timeout, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._last = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def beat(self) -> None:
        """Begin to count anew, on any thread."""
        self._last = time.monotonic()

    def expired(self) -> bool:
        """Whether it was silent for too long."""
        return self._limit.expired()

    def stop(self) -> None:
        """Watch no more."""
        self._timer.cancel()

    def expire(self) -> None:
        """Let the timeout expire."""
        if not self._limit.expired():
            self._limit.reschedule(0)

    def _look(self) -> None:
        left = self._last + self._seconds - time.monotonic()
        if left <= 0:
            self.expire()
        else:
            self._timer = asyncio.get_running_loop().call_later(left, self._look)
