"""A metric and its series: one per combination of label values, up to a limit."""

from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from maestro_core_logging import get_logger
from maestro_core_monitoring._errors import MonitoringError

from ._declaration import MetricDeclaration
from ._slots import Placed, Slots

OVERFLOW: Final = "overflow"
"""The value of every label once a metric has as many series as it may have."""

_Series = TypeVar("_Series", bound=Placed)
_logger = get_logger(__name__)


class Family(Generic[_Series]):
    """The series of one metric.

    Args:
        metric: What is measured.
        slots: Where the numbers stand.
        max_series: How many combinations of label values there may be. Further ones are counted under `overflow`, and a
            warning is logged once.
        on_refused: Called with the metric's name whenever a series was refused.
    """

    def __init__(
        self,
        metric: MetricDeclaration,
        slots: Slots,
        *,
        max_series: int,
        on_refused: Callable[[str], None] | None = None,
    ) -> None:
        self.metric = metric
        self._slots = slots
        self._max_series = max_series
        self._on_refused = on_refused
        self._warned = False
        self._series: dict[tuple[str, ...], _Series] = {}
        slots.declare(metric)

    def labels(self, *values: object, **named: object) -> _Series:
        """Return the series of these label values, made on the first call.

        Args:
            *values: One value per label, in their order.
            **named: Or the values by name.

        Returns:
            The series; that of `overflow` when the metric has as many series as it may have.

        Raises:
            MonitoringError: The labels are not those of the metric.
        """
        key = self._key(values, named)
        return self._series.get(key) or self._add(key)

    def unlimited(self, *values: str) -> _Series:
        """Return the series of these label values whatever the limit, for callers that keep one of their own.

        Args:
            *values: One value per label, in their order.

        Returns:
            The series.
        """
        return self._series.get(values) or self._make(values)

    def refuse(self) -> None:
        """Note that a series was refused: warn once, and count."""
        if not self._warned:
            self._warned = True
            _logger.warning(
                "A metric has too many series; further ones are not told apart",
                metric=self.metric.name,
                labels=list(self.metric.labels),
                max_series=self._max_series,
            )
        if self._on_refused is not None:
            self._on_refused(self.metric.name)

    def remove(self, *values: object, **named: object) -> None:
        """Take a series away, for good or until it is asked for again.

        Made for gauges of things that are gone. Nothing happens when there is no such series.

        Args:
            *values: One value per label, in their order.
            **named: Or the values by name.

        Raises:
            MonitoringError: The labels are not those of the metric.
        """
        with self._slots.lock:
            series = self._series.pop(self._key(values, named), None)
            if series is not None:
                self._slots.release(series, self.metric)

    def shown(self) -> Iterator[tuple[tuple[str, ...], _Series]]:
        """Yield label values and series, of those that are shown."""
        yield from list(self._series.items())

    def _new_series(self) -> _Series:
        raise NotImplementedError

    def _refused_series(self) -> _Series | None:
        """Return a series of its own for what is beyond the limit; None counts it under `overflow`."""
        return None

    def _the_only(self) -> _Series:
        if self.metric.labels:
            raise MonitoringError(
                f"metric {self.metric.name!r} has labels: call .labels({', '.join(self.metric.labels)}) first"
            )
        return self.labels()

    def _key(self, values: tuple[object, ...], named: dict[str, object]) -> tuple[str, ...]:
        names = self.metric.labels
        if not named and len(values) == len(names):
            return tuple(map(str, values))
        if not values and named.keys() == set(names):
            return tuple(str(named[name]) for name in names)
        raise MonitoringError(f"metric {self.metric.name!r} has the labels {list(names)}; give each of them one value")

    def _add(self, key: tuple[str, ...]) -> _Series:
        if not self.metric.labels or len(self._series) < self._max_series:
            return self._make(key)
        self.refuse()
        apart = self._refused_series()
        if apart is None:
            return self._make((OVERFLOW,) * len(key))
        apart.values, apart.at = [0.0] * self.metric.size, 0
        return apart

    def _make(self, key: tuple[str, ...]) -> _Series:
        with self._slots.lock:
            series = self._series.get(key)
            if series is None:
                series = self._new_series()
                self._slots.place(series, self.metric, key)
                self._series[key] = series
        return series
