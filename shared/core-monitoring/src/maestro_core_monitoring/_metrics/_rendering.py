"""From numbers to what prometheus_client writes."""

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from ._declaration import MetricDeclaration
from ._exemplars import Exemplar, rendered

Row = tuple[tuple[str, ...], Sequence[float], Mapping[int, Exemplar]]
"""Label values, the numbers of the series, and exemplars by the position of the number that they belong to."""


def metric_of(declaration: MetricDeclaration, rows: Iterable[Row]) -> Metric:
    """Return a metric in prometheus_client's form.

    Args:
        declaration: What is measured.
        rows: The series.

    Returns:
        The metric with its samples.
    """
    name = declaration.name.removesuffix("_total") if declaration.kind == "counter" else declaration.name
    metric = Metric(name, declaration.description, declaration.kind)
    for labels, values, exemplars in rows:
        named = dict(zip(declaration.labels, labels, strict=True))
        if declaration.kind == "histogram":
            metric.samples.extend(_histogram_samples(declaration, named, values, exemplars))
        else:
            metric.samples.append(Sample(declaration.name, named, values[0], None, rendered(exemplars.get(0))))
    return metric


def _histogram_samples(
    declaration: MetricDeclaration, labels: dict[str, str], values: Sequence[float], exemplars: Mapping[int, Exemplar]
) -> Iterable[Sample]:
    count = 0.0
    for position, bound in enumerate((*declaration.buckets, float("inf"))):
        count += values[position]
        yield Sample(
            f"{declaration.name}_bucket",
            {**labels, "le": str(floatToGoString(bound))},  # type: ignore[no-untyped-call]  # it states no types
            count,
            None,
            rendered(exemplars.get(position)),
        )
    yield Sample(f"{declaration.name}_count", labels, count)
    yield Sample(f"{declaration.name}_sum", labels, values[len(declaration.buckets) + 1])
