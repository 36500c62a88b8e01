"""Counters: numbers that only grow."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from maestro_core_monitoring._errors import MonitoringError

from ._exemplars import Exemplar, current_exemplar
from ._family import Family
from ._slots import Placed


class CounterSeries(Placed):
    """One number that only grows."""

    __slots__ = ("_lock", "exemplar")

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self.exemplar: Exemplar | None = None

    def inc(self, amount: float = 1, exemplar: Mapping[str, str] | None = None) -> None:
        """Add to the number.

        Args:
            amount: How much; not negative.
            exemplar: Labels of an example; by default the trace that is recorded.

        Raises:
            MonitoringError: The amount is negative or no number.
        """
        if not amount >= 0:
            raise MonitoringError(f"a counter only grows, and cannot be changed by {amount}")
        with self._lock:
            self.values[self.at] += amount
        if (example := current_exemplar(amount, exemplar)) is not None:
            self.exemplar = example

    @contextmanager
    def count_exceptions(
        self, kind: type[BaseException] | tuple[type[BaseException], ...] = Exception
    ) -> Iterator[None]:
        """Count the exceptions that leave a block.

        Args:
            kind: Which ones.
        """
        try:
            yield
        except kind:
            self.inc()
            raise


class Counter(Family[CounterSeries]):
    """A metric that only grows; without labels, it is its only series, too."""

    def inc(self, amount: float = 1, exemplar: Mapping[str, str] | None = None) -> None:
        """Add to a counter without labels; see `CounterSeries.inc`."""
        self._the_only().inc(amount, exemplar)

    @contextmanager
    def count_exceptions(
        self, kind: type[BaseException] | tuple[type[BaseException], ...] = Exception
    ) -> Iterator[None]:
        """Count exceptions with a counter without labels; see `CounterSeries.count_exceptions`."""
        with self._the_only().count_exceptions(kind):
            yield

    def _new_series(self) -> CounterSeries:
        return CounterSeries(self._slots.lock)
