"""The spans that ended while a block ran."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from maestro_core_monitoring._tracing._setup import configure_tracing


@dataclass(frozen=True, slots=True)
class CapturedSpan:
    """One span that has ended."""

    name: str
    """Name of the span."""
    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_id: str | None
    """Id of the span that it is part of; None at the beginning of a trace."""
    kind: str
    """`internal`, `server`, `client`, `producer` or `consumer`."""
    attributes: Mapping[str, Any]
    """Its attributes."""
    status: str
    """`unset`, `ok` or `error`."""
    events: tuple[str, ...]
    """Names of what happened in it, `exception` for one."""
    resource: Mapping[str, Any]
    """What it says of its service."""
    duration_s: float
    """How long it took, in seconds."""

    @staticmethod
    def of(span: ReadableSpan) -> "CapturedSpan":
        """Read OpenTelemetry's span."""
        context, parent = span.context, span.parent
        assert context is not None, "a span that has ended has ids"
        return CapturedSpan(
            name=span.name,
            trace_id=f"{context.trace_id:032x}",
            span_id=f"{context.span_id:016x}",
            parent_id=None if parent is None else f"{parent.span_id:016x}",
            kind=span.kind.name.lower(),
            attributes=dict(span.attributes or {}),
            status=span.status.status_code.name.lower(),
            events=tuple(event.name for event in span.events),
            resource=dict(span.resource.attributes),
            duration_s=((span.end_time or 0) - (span.start_time or 0)) / 1e9,
        )


class CapturedSpans:
    """The spans that have ended so far, in the order in which they ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[CapturedSpan] = []

    def __iter__(self) -> Iterator[CapturedSpan]:
        with self._lock:
            return iter(list(self._spans))

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def names(self) -> list[str]:
        """Names of the spans."""
        return [span.name for span in self]

    def named(self, name: str) -> list[CapturedSpan]:
        """Return the spans of a name.

        Args:
            name: Of the spans.

        Returns:
            Those there are; an empty list for none.
        """
        return [span for span in self if span.name == name]

    def one(self, name: str) -> CapturedSpan:
        """Return the only span of a name.

        Args:
            name: Of the span.

        Returns:
            The span.

        Raises:
            AssertionError: There is none, or more than one; lists the names there are.
        """
        found = self.named(name)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} spans are named {name!r}; there are {self.names}")
        return found[0]

    def of_trace(self, trace_id: str) -> list[CapturedSpan]:
        """Return the spans of a trace.

        Args:
            trace_id: 32 hex digits.

        Returns:
            Those there are; an empty list for none.
        """
        return [span for span in self if span.trace_id == trace_id]

    def children(self, span: CapturedSpan) -> list[CapturedSpan]:
        """Return the spans right below another one.

        Args:
            span: The parent.

        Returns:
            Those there are; an empty list for none.
        """
        return [other for other in self if other.parent_id == span.span_id and other.trace_id == span.trace_id]

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._spans.clear()

    def _add(self, span: CapturedSpan) -> None:
        with self._lock:
            self._spans.append(span)


class _ToCaptures(SpanExporter):
    """Gives spans to whoever captures at the moment: one destination for the life of the process."""

    def __init__(self) -> None:
        self.captures: tuple[CapturedSpans, ...] = ()

    def export(self, spans: Any) -> SpanExportResult:
        for capture in self.captures:
            for span in spans:
                capture._add(CapturedSpan.of(span))  # noqa: SLF001 - the two are one
        return SpanExportResult.SUCCESS


_EXPORTER: Final = _ToCaptures()


@contextmanager
def captured_spans() -> Iterator[CapturedSpans]:
    """Capture the spans that end while a block runs, of every task and thread of the process.

    Tracing is set up if it is not; a process that dropped its spans builds them from now on.

    Yields:
        The spans; it fills while the block runs, and keeps what it has.
    """
    configure_tracing("tests", exporter=_EXPORTER)
    spans = CapturedSpans()
    _EXPORTER.captures += (spans,)
    try:
        yield spans
    finally:
        _EXPORTER.captures = tuple(capture for capture in _EXPORTER.captures if capture is not spans)
