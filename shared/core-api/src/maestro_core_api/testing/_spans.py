"""The spans that end while a block runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from maestro_core_monitoring import configure_tracing


class _ToRecordings(SpanExporter):
    """Hands spans to whoever records: OpenTelemetry cannot take a destination away, so there is one for all tests."""

    def __init__(self) -> None:
        self.recordings: tuple[list[ReadableSpan], ...] = ()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for recording in self.recordings:
            recording.extend(spans)
        return SpanExportResult.SUCCESS


_EXPORTER: Final = _ToRecordings()


@contextmanager
def recorded_spans() -> Iterator[list[ReadableSpan]]:
    """Record spans of every task and thread of the process.

    Yields:
        The spans that ended so far; it fills while the block runs.
    """
    configure_tracing("tests", exporter=_EXPORTER)
    spans: list[ReadableSpan] = []
    _EXPORTER.recordings += (spans,)
    try:
        yield spans
    finally:
        _EXPORTER.recordings = tuple(other for other in _EXPORTER.recordings if other is not spans)
