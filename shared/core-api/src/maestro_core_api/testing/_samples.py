"""By how much metrics have changed."""

from collections.abc import Mapping

from maestro_core_monitoring import MetricsCollector

_Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class MetricChanges:
    """What was counted since a moment.

    Args:
        metrics: Where it is counted; None where nothing is.
    """

    def __init__(self, metrics: MetricsCollector | None) -> None:
        self._metrics = metrics
        self._before = _read(metrics)

    def of(self, name: str, labels: Mapping[str, str]) -> float:
        """Return by how much a metric has changed, its series added up.

        Args:
            name: As Prometheus shows it, with `_total`, `_count` or `_sum` at its end.
            labels: Which series; labels that are not named may have any value.
        """
        wanted = set(labels.items())
        return sum(
            value - self._before.get((sample, found), 0.0)
            for (sample, found), value in _read(self._metrics).items()
            if sample == name and wanted <= found
        )

    def told(self) -> list[str]:
        """Return a line for each series that has changed, for messages."""
        return [
            f"{name}{dict(sorted(labels))} changed by {value - self._before.get((name, labels), 0.0):g}"
            for (name, labels), value in sorted(_read(self._metrics).items(), key=str)
            if value != self._before.get((name, labels), 0.0) and not name.endswith(("_bucket", "_created", "_sum"))
        ]


def _read(metrics: MetricsCollector | None) -> _Samples:
    if metrics is None:
        return {}
    families = list(metrics.registry.collect())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
