"""OpenTelemetry tracing, set up once per process."""

import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.util.types import AttributeValue

from ._otlp import OtlpExport, traces_url
from ._receivers import RECEIVERS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_ENVIRONMENT: Final = "deployment.environment.name"
_setup: Final = threading.Lock()


def configure_tracing(
    service_name: str,
    *,
    version: str | None = None,
    environment: str | None = None,
    instance_id: str | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
    otlp_endpoint: str | None = None,
    otlp: OtlpExport | None = None,
    exporter: "SpanExporter | None" = None,
    sample_ratio: float = 1.0,
) -> "TracerProvider":
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
    # Loaded here because OpenTelemetry's SDK is a third of what importing this package would cost.
    from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415

    from ._batching import BatchingProcessor  # noqa: PLC0415
    from ._provider import Provider  # noqa: PLC0415

    with _setup:
        provider = trace.get_tracer_provider()
        if not isinstance(provider, TracerProvider):
            stated: dict[str, AttributeValue] = dict(attributes or {})
            stated |= {SERVICE_NAME: service_name, SERVICE_INSTANCE_ID: instance_id or str(uuid.uuid4())}
            stated |= {SERVICE_VERSION: version} if version else {}
            stated |= {_ENVIRONMENT: environment} if environment else {}
            provider = Provider(Resource.create(stated), sample_ratio)
            trace.set_tracer_provider(provider)
        if isinstance(provider, Provider):
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
