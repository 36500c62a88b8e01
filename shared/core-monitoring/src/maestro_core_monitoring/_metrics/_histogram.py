"""Histograms: how many values there were of which size."""

import functools
import inspect
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import ParamSpec, TypeVar, cast

from ._exemplars import Exemplar, current_exemplar
from ._family import Family
from ._slots import Placed

_P = ParamSpec("_P")
_T = TypeVar("_T")


class HistogramSeries(Placed):
    """Counts of values by size: one number per bucket, one for what is above all of them, and the sum of the values."""

    __slots__ = ("_lock", "bounds", "exemplars")

    def __init__(self, lock: threading.RLock, bounds: tuple[float, ...]) -> None:
        self._lock = lock
        self.bounds = bounds
        self.exemplars: dict[int, Exemplar] = {}

    def observe(self, amount: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count one value.

        Args:
            amount: The value, in the metric's unit.
            exemplar: Labels of an example; by default the trace that is recorded.

        What is not a number (NaN) is not counted: it would make the sum one, for good.
        """
        if amount != amount:  # noqa: PLR0124 - only NaN differs from itself
            return
        bucket = bisect_left(self.bounds, amount)
        with self._lock:
            values, at = self.values, self.at
            values[at + bucket] += 1
            values[at + len(self.bounds) + 1] += amount
        if (example := current_exemplar(amount, exemplar)) is not None:
            self.exemplars[bucket] = example

    def time(self) -> "Timing":
        """Observe how long a block or a function takes, in seconds.

        Returns:
            A context manager, which is a decorator for plain and async functions as well.
        """
        return Timing(self.observe)


class Histogram(Family[HistogramSeries]):
    """A metric of sizes; without labels, it is its only series, too."""

    def observe(self, amount: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count a value in a histogram without labels; see `HistogramSeries.observe`."""
        self._the_only().observe(amount, exemplar)

    def time(self) -> "Timing":
        """Time a block with a histogram without labels; see `HistogramSeries.time`."""
        return self._the_only().time()

    def _new_series(self) -> HistogramSeries:
        return HistogramSeries(self._slots.lock, self.metric.buckets)


class Timing:
    """Observes how long a block or function takes, whether it ends well or not."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._began: list[float] = []

    def __enter__(self) -> "Timing":
        self._began.append(time.perf_counter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._observe(time.perf_counter() - self._began.pop())

    def __call__(self, function: Callable[_P, _T]) -> Callable[_P, _T]:
        """Time every call of a function."""
        observe = self._observe
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def timed_async(*args: _P.args, **kwargs: _P.kwargs) -> object:
                with Timing(observe):
                    return await function(*args, **kwargs)

            return cast("Callable[_P, _T]", timed_async)

        @functools.wraps(function)
        def timed(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            with Timing(observe):
                return function(*args, **kwargs)

        return timed
