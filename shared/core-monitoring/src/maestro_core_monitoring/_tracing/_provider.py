"""The provider of spans that this process has."""

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Tracer as RecordingTracer
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.util.types import Attributes

from ._batching import BatchingProcessor
from ._receivers import RECEIVERS
from ._statistics import TracingStatistics
from ._tracer import Tracer


class Provider(TracerProvider):
    """A tracer provider that remembers where it sends spans, so that nothing is sent twice and nothing built for nobody.

    Args:
        resource: What is said of the service with every span.
        sample_ratio: Share of new traces that are recorded.
    """

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
        """See OpenTelemetry."""
        tracer = super().get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        return Tracer(tracer, self) if isinstance(tracer, RecordingTracer) else tracer

    def samples(self, trace_id: int) -> bool:
        """Tell whether a new trace is to be recorded."""
        # Asked of every request, so that it does without the record that the sampler would make of its answer.
        return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._ratio.bound

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """See OpenTelemetry."""
        super().add_span_processor(span_processor)
        self.has_receivers = RECEIVERS.present = True
        if isinstance(span_processor, BatchingProcessor):
            self._batching.append(span_processor)

    def add_destination(self, key: object, processor: SpanProcessor) -> None:
        """Send spans somewhere else, too; `key` tells where."""
        self.destinations.add(key)
        self.add_span_processor(processor)

    def statistics(self) -> TracingStatistics:
        """Return what became of the spans that were to be sent over OTLP."""
        every = [processor.statistics for processor in self._batching]
        return TracingStatistics(
            exported=sum(one.exported for one in every),
            queue_full=sum(one.queue_full for one in every),
            export_failed=sum(one.export_failed for one in every),
            shut_down=sum(one.shut_down for one in every),
            waiting=sum(one.waiting for one in every),
        )
