"""Points of an ExportMetricsServiceRequest."""

import math
from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2

from telemetry_store.records import Point

from ._attributes import attributes_of, service_of

_MOST: Final = 2**63 - 1


def points_in(request: ExportMetricsServiceRequest) -> Iterator[Point]:
    """Read the points of gauges, sums and histograms; other kinds, and numbers that are none, are left out.

    Args:
        request: What was sent.

    Yields:
        Each point.
    """
    for of_resource in request.resource_metrics:
        service = service_of(attributes_of(of_resource.resource.attributes))
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                yield from _points(metric, service)


def _points(metric: metrics_pb2.Metric, service: str) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    numbers: Any = {"gauge": metric.gauge, "sum": metric.sum}.get(kind or "")
    for number in numbers.data_points if numbers is not None else ():
        held = number.WhichOneof("value")
        if held is not None and math.isfinite(value := float(getattr(number, held))):
            yield _point(metric, service, str(kind), number, value, {})
    for histogram in metric.histogram.data_points if kind == "histogram" else ():
        if not math.isfinite(histogram.sum):
            continue
        detail = {
            "count": histogram.count,
            "bounds": list(histogram.explicit_bounds),
            "buckets": list(histogram.bucket_counts),
        }
        yield _point(metric, service, "histogram", histogram, histogram.sum, detail)


def _point(
    metric: metrics_pb2.Metric, service: str, kind: str, point: Any, value: float, detail: dict[str, Any]
) -> Point:
    return Point(
        service=service,
        name=metric.name,
        attributes=attributes_of(point.attributes),
        time_ns=min(point.time_unix_nano, _MOST),
        kind=kind,
        unit=metric.unit,
        value=value,
        detail=detail,
    )
