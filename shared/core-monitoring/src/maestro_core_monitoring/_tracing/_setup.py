"""OpenTelemetry tracing, set up once per process."""

import threading
import uuid
from collections.abc import Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Tracer as RecordingTracer
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.util.types import Attributes, AttributeValue

from ._batching import BatchingProcessor
from ._otlp import OtlpExport, traces_url
from ._receivers import RECEIVERS
from ._statistics import TracingStatistics
from ._tracer import Tracer

_ENVIRONMENT: Final = "deployment.environment.name"
_setup: Final = threading.Lock()


class _Provider(TracerProvider):
    """A tracer provider that remembers where it sends spans, so that nothing is sent twice and nothing built for nobody."""

    def __init__(self, resource: Resource, sample_ratio: float) -> None:
        self._ratio = TraceIdRatioBased(sample_ratio)
        super().__init__(resource=resource, sampler=ParentBased(self._ratio))
        self.destinations: set[object] = set()
        self.has_receivers = False
        self._batching: list[BatchingProcessor] = []

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace.Tracer:
        tracer = super().get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        return Tracer(tracer, self) if isinstance(tracer, RecordingTracer) else tracer

    def samples(self, trace_id: int) -> bool:
        # Asked of every request, so that it does without the record that the sampler would make of its answer.
        return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._ratio.bound

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        super().add_span_processor(span_processor)
        self.has_receivers = RECEIVERS.present = True
        if isinstance(span_processor, BatchingProcessor):
            self._batching.append(span_processor)

    def add_destination(self, key: object, processor: SpanProcessor) -> None:
        self.destinations.add(key)
        self.add_span_processor(processor)

    def statistics(self) -> TracingStatistics:
        every = [processor.statistics for processor in self._batching]
        return TracingStatistics(
            exported=sum(one.exported for one in every),
            queue_full=sum(one.queue_full for one in every),
            export_failed=sum(one.export_failed for one in every),
            shut_down=sum(one.shut_down for one in every),
            waiting=sum(one.waiting for one in every),
        )


def configure_tracing(
    service_name: str,
    *,
    version: str | None = None,
    environment: str | None = None,
    instance_id: str | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
    otlp_endpoint: str | None = None,
    otlp: OtlpExport | None = None,
    exporter: SpanExporter | None = None,
    sample_ratio: float = 1.0,
) -> TracerProvider:
    """Set up tracing for this process.

    The first call decides name, version, attributes and sampling; OpenTelemetry allows one provider per process. Later calls
    return it and add a destination that it does not have yet. Without any destination spans still get ids, so that
    logs and errors carry them, and are then dropped. A provider that somebody else set up is left as it is.

    Trace context travels in the W3C `traceparent` header; a caller's sampling decision is followed. Spans are sent in batches
    by a background thread; those that find its queue full, or that the receiver does not take, are dropped and counted in
    `service_spans_dropped_total` and `tracing_statistics()`.

    Args:
        service_name: The `service.name` resource attribute.
        version: The `service.version` resource attribute.
        environment: The `deployment.environment.name` resource attribute.
        instance_id: The `service.instance.id` resource attribute; None makes one, a random UUID.
        attributes: Further resource attributes; those in `OTEL_RESOURCE_ATTRIBUTES` are taken as well.
        otlp_endpoint: Base address of an OTLP/HTTP receiver (`http://127.0.0.1:4318`); `/v1/traces` is added when it
            has no path. The same as `otlp=OtlpExport(endpoint)`.
        otlp: Where spans are sent, with headers, sizes and times.
        exporter: Gets every span as soon as it ends; made for tests, with `InMemorySpanExporter`.
        sample_ratio: Share of new traces that are recorded, 0.0 to 1.0.

    Returns:
        The provider in use.
    """
    with _setup:
        provider = trace.get_tracer_provider()
        if not isinstance(provider, TracerProvider):
            stated: dict[str, AttributeValue] = dict(attributes or {})
            stated |= {SERVICE_NAME: service_name, SERVICE_INSTANCE_ID: instance_id or str(uuid.uuid4())}
            stated |= {SERVICE_VERSION: version} if version else {}
            stated |= {_ENVIRONMENT: environment} if environment else {}
            provider = _Provider(Resource.create(stated), sample_ratio)
            trace.set_tracer_provider(provider)
        if isinstance(provider, _Provider):
            if otlp is None and otlp_endpoint is not None:
                otlp = OtlpExport(otlp_endpoint)
            if otlp is not None and traces_url(otlp.endpoint) not in provider.destinations:
                provider.add_destination(traces_url(otlp.endpoint), BatchingProcessor(otlp.exporter(), otlp))
            if exporter is not None and exporter not in provider.destinations:
                provider.add_destination(exporter, SimpleSpanProcessor(exporter))
        else:
            RECEIVERS.present = True  # whether it has any is its own affair
    return provider


def current_trace_id() -> str | None:
    """Return the id of the trace that the caller runs in.

    Returns:
        32 lower-case hex digits, or None outside of any trace.
    """
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None
