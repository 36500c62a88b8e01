"""Values of metrics, and how they change."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.metrics_core import Metric

from maestro_core_monitoring._metrics._collector import MetricsCollector

Labels = frozenset[tuple[str, str]]


def metric_value(metrics: MetricsCollector, name: str, **labels: str) -> float | None:
    """Return the value of one sample.

    Args:
        metrics: The collector.
        name: As Prometheus shows it: with `_total`, `_count`, `_sum` or `_bucket` at its end.
        **labels: All of its labels, the collector's own `service` included.

    Returns:
        The value; None when there is no such sample.
    """
    return _read(metrics).get((name, frozenset(labels.items())))


def metric_values(metrics: MetricsCollector, name: str) -> dict[tuple[str, ...], float]:
    """Return all values of a metric.

    Args:
        metrics: The collector.
        name: As Prometheus shows it.

    Returns:
        Values by the values of the labels, which are in the alphabetical order of their names.
    """
    return {
        tuple(value for _, value in sorted(labels)): number
        for (sample, labels), number in _read(metrics).items()
        if sample == name
    }


class MetricChanges:
    """How metrics have changed since a moment.

    Args:
        metrics: The collector.
    """

    def __init__(self, metrics: MetricsCollector) -> None:
        self._metrics = metrics
        self._before = _read(metrics)
        self._after: dict[tuple[str, Labels], float] | None = None

    def of(self, name: str, **labels: str) -> float:
        """Return by how much a metric has changed, its series added up.

        Args:
            name: As Prometheus shows it.
            **labels: Which series; those that are not named may have any value.

        Returns:
            The change; 0 when nothing has happened.
        """
        after = _read(self._metrics) if self._after is None else self._after
        wanted = set(labels.items())
        return sum(
            number - self._before.get((sample, found), 0.0)
            for (sample, found), number in after.items()
            if sample == name and wanted <= found
        )

    def told(self) -> list[str]:
        """Return a line for each series that has changed, for messages; buckets, sums and times of creation are left out."""
        after = _read(self._metrics) if self._after is None else self._after
        return [
            f"{name}{dict(sorted(labels))} changed by {number - self._before.get((name, labels), 0.0):g}"
            for (name, labels), number in sorted(after.items(), key=str)
            if number != self._before.get((name, labels), 0.0) and not name.endswith(("_bucket", "_created", "_sum"))
        ]

    def stop(self) -> None:
        """Take what has changed by now as the result."""
        self._after = _read(self._metrics)


@contextmanager
def metric_changes(metrics: MetricsCollector) -> Iterator[MetricChanges]:
    """Watch metrics while a block runs.

    Args:
        metrics: The collector.

    Yields:
        The changes; inside of the block up to now, after it those of the block.
    """
    changes = MetricChanges(metrics)
    try:
        yield changes
    finally:
        changes.stop()


def _read(metrics: MetricsCollector) -> dict[tuple[str, Labels], float]:
    families: Iterator[Metric] = iter(metrics.registry.collect())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
