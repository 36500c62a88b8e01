"""What the registry asks for numbers: this process's metrics, or those of all workers."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ._counter import Counter, CounterSeries
from ._exemplars import Exemplar
from ._gauge import Gauge
from ._histogram import Histogram, HistogramSeries
from ._rendering import Row, metric_of
from ._slots import Placed

if TYPE_CHECKING:
    from maestro_core_monitoring._workers._view import WorkersView

AnyFamily = Counter | Gauge | Histogram
_NONE: Final[Mapping[int, Exemplar]] = {}


class Refresh(Collector):
    """Stands first in the registry: brings everything up to date before the numbers are read.

    Args:
        refresh: Does it.
    """

    def __init__(self, refresh: Callable[[], None]) -> None:
        self._refresh = refresh

    def describe(self) -> Iterable[Metric]:
        """See prometheus_client."""
        return []

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client."""
        self._refresh()
        return []


class Shown(Collector):
    """Shows one metric.

    Args:
        family: Its series in this process.
        view: The numbers of all workers; None shows those of this process.
    """

    def __init__(self, family: AnyFamily, view: "WorkersView | None") -> None:
        self._family = family
        self._view = view

    def describe(self) -> Iterable[Metric]:
        """See prometheus_client."""
        return [metric_of(self._family.metric, [])]

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client."""
        metric = self._family.metric
        own = dict[tuple[str, ...], Placed](self._family.shown())
        if self._view is None:
            size = metric.size
            rows = [
                (labels, [series.values[series.at + offset] for offset in range(size)], _exemplars(series))
                for labels, series in own.items()
            ]
        else:
            numbers = self._view.merged.numbers.get(metric.name, {})
            rows = [(labels, values, _exemplars(own.get(labels))) for labels, values in numbers.items()]
        return [metric_of(metric, sorted(rows, key=_by_labels))]


class ShownElsewhere(Collector):
    """Shows metrics that other workers have and this one has not, or not yet.

    Args:
        view: The numbers of all workers.
        known: Tells whether this worker has a metric of the name.
    """

    def __init__(self, view: "WorkersView", known: Callable[[str], bool]) -> None:
        self._view = view
        self._known = known

    def describe(self) -> Iterable[Metric]:
        """See prometheus_client."""
        return []

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client."""
        merged = self._view.merged
        return [
            metric_of(
                metric,
                sorted(((labels, values, _NONE) for labels, values in merged.numbers[name].items()), key=_by_labels),
            )
            for name, metric in sorted(merged.metrics.items())
            if not self._known(name) and name in merged.numbers
        ]


def _by_labels(row: Row) -> tuple[str, ...]:
    return row[0]


def _exemplars(series: Placed | None) -> Mapping[int, Exemplar]:
    if isinstance(series, HistogramSeries):
        return series.exemplars
    if isinstance(series, CounterSeries) and series.exemplar is not None:
        return {0: series.exemplar}
    return _NONE
