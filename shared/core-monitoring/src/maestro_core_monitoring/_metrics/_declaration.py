"""What a metric is, apart from its numbers."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from maestro_core_monitoring._errors import MonitoringError

MetricKind = Literal["counter", "gauge", "histogram"]
"""A `counter` only grows, a `gauge` goes up and down, a `histogram` counts values by size."""
Across = Literal["sum", "min", "max", "latest"]
"""How the gauges of several workers become one value."""

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
MAX_BUCKETS: Final = 1_000
_TAKEN_LABELS: Final = frozenset({"le", "quantile"})


@dataclass(frozen=True, slots=True)
class MetricDeclaration:
    """One metric: everything that is known before anything is counted."""

    name: str
    """Name of the metric; a counter's ends in `_total`."""
    kind: MetricKind
    """What it does with numbers."""
    description: str
    """One sentence for whoever reads the metric."""
    labels: tuple[str, ...] = ()
    """Names of the labels."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram in the metric's unit, ascending, without infinity."""
    across: Across = "sum"
    """How a gauge's values of several workers become one. Default: their sum."""

    @property
    def size(self) -> int:
        """How many numbers one series of the metric has."""
        if self.kind == "histogram":
            return len(self.buckets) + 2
        return 2 if self.across == "latest" else 1


def declare(
    name: str,
    kind: MetricKind,
    description: str,
    labels: Sequence[str] = (),
    *,
    buckets: Sequence[float] = (),
    across: Across = "sum",
) -> MetricDeclaration:
    """Check and complete what somebody wants to measure.

    Args:
        name: Name of the metric; a counter's is completed with `_total`.
        kind: What it does with numbers.
        description: One sentence.
        labels: Names of the labels.
        buckets: Upper bounds of a histogram; an infinity at the end is taken off.
        across: How a gauge's values of several workers become one.

    Returns:
        The declaration.

    Raises:
        MonitoringError: A name or the buckets cannot be used; says which.
    """
    if kind == "counter" and not name.endswith("_total"):
        name = f"{name}_total"
    if not _NAME.fullmatch(name):
        raise MonitoringError(f"{name!r} is no metric name: letters, digits and underscores, no digit first")
    for label in labels:
        if not _LABEL.fullmatch(label) or label in _TAKEN_LABELS:
            raise MonitoringError(
                f"metric {name!r} cannot have a label {label!r}: it is reserved or has odd characters"
            )
    if len(set(labels)) != len(labels):
        raise MonitoringError(f"metric {name!r} names a label twice: {', '.join(labels)}")
    bounds = tuple(float(bound) for bound in buckets)
    if bounds and bounds[-1] == float("inf"):
        bounds = bounds[:-1]
    if kind == "histogram" and (not bounds or any(low >= high for low, high in itertools.pairwise(bounds))):
        raise MonitoringError(f"histogram {name!r} needs ascending buckets and has {list(buckets)}")
    if len(bounds) > MAX_BUCKETS:
        raise MonitoringError(f"histogram {name!r} has {len(bounds)} buckets; {MAX_BUCKETS} are the most")
    return MetricDeclaration(name, kind, description, tuple(labels), bounds, across)
