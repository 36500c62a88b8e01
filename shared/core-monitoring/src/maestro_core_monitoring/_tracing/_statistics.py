"""What became of the spans of this process."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import trace

if TYPE_CHECKING:
    from maestro_core_monitoring._metrics._collector import MetricsCollector


@dataclass(frozen=True, slots=True)
class TracingStatistics:
    """Counts of spans since the process began."""

    exported: int = 0
    """Spans that the receiver took."""
    queue_full: int = 0
    """Spans dropped because too many were waiting."""
    export_failed: int = 0
    """Spans dropped because the receiver did not take them, after all retries."""
    shut_down: int = 0
    """Spans dropped because they ended after, or were still waiting at, the end of tracing."""
    waiting: int = 0
    """Spans that wait to be sent."""

    @property
    def dropped(self) -> int:
        """Spans that are lost, whatever the reason."""
        return self.queue_full + self.export_failed + self.shut_down


def tracing_statistics() -> TracingStatistics:
    """Return what became of the spans that were to be sent over OTLP.

    Returns:
        The counts, of all destinations together; zeros when there is none.
    """
    statistics = getattr(trace.get_tracer_provider(), "statistics", None)
    found = statistics() if callable(statistics) else None
    return found if isinstance(found, TracingStatistics) else TracingStatistics()


class SpanMetrics:
    """Keeps the metrics of span export up to date.

    Args:
        metrics: Where they are published.
    """

    def __init__(self, metrics: "MetricsCollector") -> None:
        self._service = metrics.service_name
        self._exported = metrics.counter("service_spans_exported_total", "Spans that the receiver took.", ("service",))
        self._dropped = metrics.counter("service_spans_dropped_total", "Spans that were lost.", ("service", "reason"))
        self._waiting = metrics.gauge("service_spans_waiting", "Spans that wait to be sent.", ("service",))
        self._seen = TracingStatistics()

    def refresh(self) -> None:
        """Take over what was counted since the last time."""
        now, before = tracing_statistics(), self._seen
        self._seen = now
        self._exported.labels(self._service).inc(max(0, now.exported - before.exported))
        for reason in ("queue_full", "export_failed", "shut_down"):
            grown = getattr(now, reason) - getattr(before, reason)
            self._dropped.labels(self._service, reason).inc(max(0, grown))
        self._waiting.labels(self._service).set(now.waiting)
