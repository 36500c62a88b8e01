"""Spans that are built only for somebody: without a receiver, a span is its ids and nothing else."""

from collections.abc import Sequence
from typing import Final, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Tracer as RecordingTracer
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.util.types import Attributes

_KNOWN_FLAGS: Final = TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID


class Decisions(Protocol):
    """What a tracer asks its provider."""

    has_receivers: bool
    """Whether anybody gets spans."""

    def samples(self, trace_id: int) -> bool:
        """Tell whether a new trace is to be recorded."""


class Tracer(trace.Tracer):
    """Hands on to OpenTelemetry's tracer while spans have a receiver, and makes bare ids while they have none.

    Ids, the sampling decision and what is passed on to other services are the same in both cases, so that logs, errors and
    the services further on do not notice. Building a span that is then dropped takes several times as long.

    Args:
        recording: OpenTelemetry's tracer; its sampler follows the caller's decision and asks `decisions` for new traces.
        decisions: Whether there is a receiver, and which new traces are recorded.
    """

    def __init__(self, recording: RecordingTracer, decisions: Decisions) -> None:
        self._recording = recording
        self._decisions = decisions
        self._ids = recording.id_generator
        random = TraceFlags.RANDOM_TRACE_ID if self._ids.is_trace_id_random() else 0
        self._dropped = TraceFlags(random)
        self._sampled = TraceFlags(random | TraceFlags.SAMPLED)

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """See `opentelemetry.trace.Tracer.start_span`."""
        if self._decisions.has_receivers:
            return self._recording.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        parent = trace.get_current_span(context).get_span_context()
        if parent.is_valid:
            flags = TraceFlags(parent.trace_flags & _KNOWN_FLAGS)
            ids = SpanContext(parent.trace_id, self._ids.generate_span_id(), False, flags, parent.trace_state)
        else:
            trace_id = self._ids.generate_trace_id()
            flags = self._sampled if self._decisions.samples(trace_id) else self._dropped
            ids = SpanContext(trace_id, self._ids.generate_span_id(), False, flags)
        return NonRecordingSpan(ids)

    # OpenTelemetry's own: a span that is started by `start_span` above and is current inside the block or function.
    start_as_current_span = RecordingTracer.start_as_current_span
