"""OpenTelemetry tracing, set up once per process."""

import threading
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Tracer as RecordingTracer
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.util.types import Attributes

from ._tracer import Tracer

_setup: Final = threading.Lock()


class _Provider(TracerProvider):
    """A tracer provider that remembers where it sends spans, so that nothing is sent twice and nothing built for nobody."""

    def __init__(self, resource: Resource, sample_ratio: float) -> None:
        self._ratio = TraceIdRatioBased(sample_ratio)
        super().__init__(resource=resource, sampler=ParentBased(self._ratio))
        self.destinations: set[object] = set()
        self.has_receivers = False

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
        self.has_receivers = True

    def add_destination(self, key: object, processor: SpanProcessor) -> None:
        self.destinations.add(key)
        self.add_span_processor(processor)


def configure_tracing(
    service_name: str,
    *,
    version: str | None = None,
    otlp_endpoint: str | None = None,
    exporter: SpanExporter | None = None,
    sample_ratio: float = 1.0,
) -> TracerProvider:
    """Set up tracing for this process.

    The first call decides name, version and sampling; OpenTelemetry allows one provider per process. Later calls
    return it and add a destination that it does not have yet. Without any destination spans still get ids, so that
    logs and errors carry them, and are then dropped. A provider that somebody else set up is left as it is.

    Trace context travels in the W3C `traceparent` header; a caller's sampling decision is followed.

    Args:
        service_name: The `service.name` resource attribute.
        version: The `service.version` resource attribute.
        otlp_endpoint: Base address of an OTLP/HTTP receiver (`http://127.0.0.1:4318`); `/v1/traces` is added when it
            has no path. Spans are sent in batches by a background thread.
        exporter: Gets every span as soon as it ends; made for tests, with `InMemorySpanExporter`.
        sample_ratio: Share of new traces that are recorded, 0.0 to 1.0.

    Returns:
        The provider in use.
    """
    with _setup:
        provider = trace.get_tracer_provider()
        if not isinstance(provider, TracerProvider):
            attributes = {SERVICE_NAME: service_name} | ({SERVICE_VERSION: version} if version else {})
            provider = _Provider(Resource.create(attributes), sample_ratio)
            trace.set_tracer_provider(provider)
        if isinstance(provider, _Provider):
            if otlp_endpoint is not None and otlp_endpoint not in provider.destinations:
                provider.add_destination(otlp_endpoint, BatchSpanProcessor(_otlp_exporter(otlp_endpoint)))
            if exporter is not None and exporter not in provider.destinations:
                provider.add_destination(exporter, SimpleSpanProcessor(exporter))
    return provider


def current_trace_id() -> str | None:
    """Return the id of the trace that the caller runs in.

    Returns:
        32 lower-case hex digits, or None outside of any trace.
    """
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def _otlp_exporter(endpoint: str) -> SpanExporter:
    # Loaded here because it brings protobuf and requests, a tenth of a service's start-up, for those who export.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter(endpoint=_traces_url(endpoint))


def _traces_url(endpoint: str) -> str:
    base = endpoint.rstrip("/")
    return base if base.count("/") > 2 else f"{base}/v1/traces"
