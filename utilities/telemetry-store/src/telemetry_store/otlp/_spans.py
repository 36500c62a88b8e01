"""Spans of an ExportTraceServiceRequest."""

from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from telemetry_store.records import Span

from ._attributes import attributes_of, service_of

_KINDS: Final = {2: "server", 3: "client", 4: "producer", 5: "consumer"}
_FAILED: Final = trace_pb2.Status.STATUS_CODE_ERROR
_MOST: Final = 2**63 - 1


def spans_in(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """Read the spans; those without ids, which the specification forbids, are left out.

    Args:
        request: What was sent.

    Yields:
        Each span.
    """
    for of_resource in request.resource_spans:
        resource = attributes_of(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                if len(span.trace_id) == 16 and len(span.span_id) == 8:
                    yield _span(span, resource)


def _span(span: trace_pb2.Span, resource: dict[str, Any]) -> Span:
    start = min(span.start_time_unix_nano, _MOST)
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        service=service_of(resource),
        name=span.name,
        kind=_KINDS.get(span.kind, "internal"),
        start_ns=start,
        duration_ns=max(0, min(span.end_time_unix_nano, _MOST) - start),
        failed=span.status.code == _FAILED,
        message=span.status.message,
        attributes=attributes_of(span.attributes),
        events=[
            {"name": event.name, "time_ns": event.time_unix_nano, "attributes": attributes_of(event.attributes)}
            for event in span.events
        ],
        resource=resource,
    )
