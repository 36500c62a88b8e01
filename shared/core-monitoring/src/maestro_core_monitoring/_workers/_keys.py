"""The text beside a worker's numbers: which metric and which labels stand where.

One JSON document a line, only ever appended to. A line is `{"metric": …}` before the first series of a metric,
`{"place": [at, metric, labels]}` for a series, `{"gone": at}` when its place is free again.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from maestro_core_logging import get_logger
from maestro_core_monitoring._metrics._declaration import MetricDeclaration

_logger = get_logger(__name__)


@dataclass(slots=True)
class Keys:
    """What a worker's text says so far."""

    metrics: dict[str, MetricDeclaration] = field(default_factory=dict)
    """Its metrics by name."""
    places: dict[int, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Metric and label values by the position of their first number."""

    def read(self, text: bytes) -> int:
        """Take in further lines.

        Args:
            text: What was appended; a last line without its end is left for the next time.

        Returns:
            How many bytes were taken in.
        """
        whole = text.rfind(b"\n") + 1
        for line in text[:whole].splitlines():
            try:
                document = json.loads(line)
            except ValueError:
                # One damaged line must not take the numbers of all workers away.
                _logger.error(
                    "A line of a worker's metrics cannot be read; its series is not shown",
                    line=line[:80].decode("latin-1"),
                )
                continue
            if (metric := document.get("metric")) is not None:
                declaration = metric_from(metric)
                self.metrics[declaration.name] = declaration
            elif (place := document.get("place")) is not None:
                at, name, labels = place
                self.places[at] = (name, tuple(labels))
            else:
                self.places.pop(document["gone"], None)
        return whole


def metric_line(metric: MetricDeclaration) -> bytes:
    """Return the line that declares a metric."""
    return _line({"metric": asdict(metric)})


def place_line(at: int, metric: str, labels: tuple[str, ...]) -> bytes:
    """Return the line that gives a series its place."""
    return _line({"place": [at, metric, labels]})


def gone_line(at: int) -> bytes:
    """Return the line that frees a place."""
    return _line({"gone": at})


def metric_from(document: dict[str, Any]) -> MetricDeclaration:
    """Return the metric that a document declares."""
    return MetricDeclaration(
        **{**document, "labels": tuple(document["labels"]), "buckets": tuple(document["buckets"])},
    )


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
