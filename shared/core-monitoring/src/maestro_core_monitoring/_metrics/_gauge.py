"""Gauges: numbers that go up and down."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._family import Family
from ._slots import Placed


class GaugeSeries(Placed):
    """One number that goes up and down."""

    __slots__ = ("_lock", "_timed", "function")

    def __init__(self, lock: threading.RLock, *, timed: bool) -> None:
        self._lock = lock
        self._timed = timed
        self.function: Callable[[], float] | None = None

    def set(self, value: float) -> None:
        """Replace the number.

        Args:
            value: The new one.
        """
        with self._lock:
            self.values[self.at] = value
            self._note_time()

    def inc(self, amount: float = 1) -> None:
        """Add to the number.

        Args:
            amount: How much.
        """
        with self._lock:
            self.values[self.at] += amount
            self._note_time()

    def dec(self, amount: float = 1) -> None:
        """Take from the number.

        Args:
            amount: How much.
        """
        self.inc(-amount)

    def set_to_current_time(self) -> None:
        """Set the number to the seconds since 1970."""
        self.set(time.time())

    def set_function(self, function: Callable[[], float]) -> None:
        """Ask a function for the number whenever metrics are read.

        Args:
            function: Returns the number; it is quick and does not block. While it raises, the last number stays.
        """
        self.function = function

    @contextmanager
    def track_inprogress(self) -> Iterator[None]:
        """Count a block while it runs."""
        self.inc()
        try:
            yield
        finally:
            self.dec()

    def _note_time(self) -> None:
        if self._timed:
            self.values[self.at + 1] = time.time()


class Gauge(Family[GaugeSeries]):
    """A metric that goes up and down; without labels, it is its only series, too."""

    def set(self, value: float) -> None:
        """Set a gauge without labels; see `GaugeSeries.set`."""
        self._the_only().set(value)

    def inc(self, amount: float = 1) -> None:
        """Add to a gauge without labels; see `GaugeSeries.inc`."""
        self._the_only().inc(amount)

    def dec(self, amount: float = 1) -> None:
        """Take from a gauge without labels; see `GaugeSeries.dec`."""
        self._the_only().dec(amount)

    def set_to_current_time(self) -> None:
        """Set a gauge without labels to the time; see `GaugeSeries.set_to_current_time`."""
        self._the_only().set_to_current_time()

    def set_function(self, function: Callable[[], float]) -> None:
        """Let a function tell the value of a gauge without labels; see `GaugeSeries.set_function`."""
        self._the_only().set_function(function)

    @contextmanager
    def track_inprogress(self) -> Iterator[None]:
        """Count a block with a gauge without labels; see `GaugeSeries.track_inprogress`."""
        with self._the_only().track_inprogress():
            yield

    def _new_series(self) -> GaugeSeries:
        return GaugeSeries(self._slots.lock, timed=self.metric.across == "latest")

    def _refused_series(self) -> GaugeSeries:
        # Different things in one gauge would be a number that is true of nothing: what is beyond the limit is not shown.
        return self._new_series()
