"""One set of numbers out of those of several workers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from maestro_core_monitoring._metrics._declaration import MetricDeclaration

Labels = tuple[str, ...]
SeriesRow = tuple[MetricDeclaration, Labels, Sequence[float]]
"""Metric, label values, numbers."""


@dataclass(slots=True)
class Merged:
    """The numbers of all workers together."""

    metrics: dict[str, MetricDeclaration] = field(default_factory=dict)
    """Metrics by name, as the first worker that has one declared it."""
    numbers: dict[str, dict[Labels, list[float]]] = field(default_factory=dict)
    """Numbers by metric and label values."""

    def add(self, series: Iterable[SeriesRow], *, with_gauges: bool) -> None:
        """Take in one worker.

        Args:
            series: Its series.
            with_gauges: Whether it lives: what a gauge of a dead worker says is no longer so.
        """
        for metric, labels, numbers in series:
            if metric.kind == "gauge" and not with_gauges:
                continue
            known = self.metrics.setdefault(metric.name, metric)
            if (known.kind, known.labels, known.buckets) != (metric.kind, metric.labels, metric.buckets):
                continue  # one name, two meanings, as when an old version's counters are still there
            rows = self.numbers.setdefault(metric.name, {})
            before = rows.get(labels)
            rows[labels] = list(numbers) if before is None else _together(metric, before, numbers)


def _together(metric: MetricDeclaration, one: Sequence[float], other: Sequence[float]) -> list[float]:
    if metric.kind == "gauge":
        match metric.across:
            case "min":
                return [min(one[0], other[0])]
            case "max":
                return [max(one[0], other[0])]
            case "latest":
                return list(one if one[1] >= other[1] else other)
            case "sum":
                pass
    return [first + second for first, second in zip(one, other, strict=True)]
