"""What questions are answered with."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel

from telemetry_store.records import LogRecord, Span
from telemetry_store.storage import Dependency, Series, ServiceLoad, TraceSummary

Level = Literal["debug", "info", "warning", "error", "critical"]


def moment(time_ns: int) -> datetime:
    """Say when, to the microsecond.

    Args:
        time_ns: Nanoseconds since the epoch.
    """
    try:
        return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).replace(microsecond=time_ns // 1_000 % 1_000_000)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)


class SpanView(BaseModel):
    """A span."""

    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: str
    start: datetime
    duration_ms: float
    failed: bool
    message: str
    attributes: dict[str, Any]
    events: list[dict[str, Any]]
    resource: dict[str, Any]

    @classmethod
    def of(cls, span: Span) -> Self:
        """Show a span.

        Args:
            span: The span.
        """
        shown = asdict(span)
        shown["events"] = [{**event, "time": moment(event["time_ns"]).isoformat()} for event in span.events]
        shown |= {"start": moment(span.start_ns), "duration_ms": _ms(span.duration_ns)}
        return cls(**shown | {"parent_id": span.parent_id or None})


class LogView(BaseModel):
    """A line of a log."""

    time: datetime
    service: str
    level: str
    logger: str
    event: str
    trace_id: str | None
    span_id: str | None
    attributes: dict[str, Any]

    @classmethod
    def of(cls, record: LogRecord) -> Self:
        """Show a record.

        Args:
            record: The record.
        """
        ids = {"trace_id": record.trace_id or None, "span_id": record.span_id or None}
        return cls(**asdict(record) | ids | {"time": moment(record.time_ns)})


class TraceSummaryView(BaseModel):
    """A trace in a listing."""

    trace_id: str
    name: str
    service: str
    services: list[str]
    start: datetime
    duration_ms: float
    spans: int
    failed_spans: int

    @classmethod
    def of(cls, summary: TraceSummary) -> Self:
        """Show a trace.

        Args:
            summary: The trace.
        """
        shown = {"start": moment(summary.start_ns), "duration_ms": _ms(summary.duration_ns)}
        return cls(**asdict(summary) | shown)


class TraceView(BaseModel):
    """Everything that carries one trace id."""

    trace_id: str
    spans: list[SpanView]
    """In the order in which they began."""
    logs: list[LogView]
    """In the order in which they were written."""
    is_cut: bool
    """Whether there is more than an answer holds."""


class LoadView(BaseModel):
    """What a service had to answer."""

    service: str
    requests: int
    failed: int
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, load: ServiceLoad) -> Self:
        """Show a service's load.

        Args:
            load: The load.
        """
        return cls(
            service=load.service,
            requests=load.requests,
            failed=load.failed,
            p50_ms=_ms(load.p50_ns),
            p95_ms=_ms(load.p95_ns),
        )


class DependencyView(BaseModel):
    """What a service asked of another one."""

    caller: str
    callee: str
    requests: int
    failed: int
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, dependency: Dependency) -> Self:
        """Show a dependency.

        Args:
            dependency: The dependency.
        """
        shown = {"p50_ms": _ms(dependency.p50_ns), "p95_ms": _ms(dependency.p95_ns)}
        return cls(**{name: value for name, value in asdict(dependency).items() if not name.endswith("_ns")} | shown)


class GraphView(BaseModel):
    """Who calls whom."""

    services: list[LoadView]
    dependencies: list[DependencyView]


class SeriesView(BaseModel):
    """A metric of a service over time."""

    service: str
    name: str
    attributes: dict[str, Any]
    kind: str
    unit: str
    points: list[tuple[datetime, float]]

    @classmethod
    def of(cls, found: Series) -> Self:
        """Show a series.

        Args:
            found: The series.
        """
        points = [(moment(time_ns), value) for time_ns, value in found.points]
        return cls(
            service=found.service,
            name=found.name,
            attributes=dict(found.attributes),
            kind=found.kind,
            unit=found.unit,
            points=points,
        )


class StatisticsView(BaseModel):
    """How much is kept."""

    spans: int
    traces: int
    logs: int
    points: int
    used_bytes: int
    max_bytes: int
    keep_s: float
