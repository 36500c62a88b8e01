"""What the store keeps: spans, log records, metric points."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work within a trace."""

    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_id: str
    """16 hex digits; empty for the first span of a trace."""
    service: str
    name: str
    kind: str
    """internal, server, client, producer or consumer."""
    start_ns: int
    """Nanoseconds since the epoch."""
    duration_ns: int
    failed: bool
    message: str = ""
    """Why it failed, where it says."""
    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    """Each with `name`, `time_ns` and `attributes`."""
    resource: dict[str, Any] = field(default_factory=dict)
    """Attributes of what it ran in."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A line of a log."""

    time_ns: int
    """Nanoseconds since the epoch."""
    service: str
    level: str
    """debug, info, warning, error or critical."""
    logger: str
    event: str
    trace_id: str = ""
    """32 hex digits; empty outside of any trace."""
    span_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """What a metric's series stood at."""

    service: str
    name: str
    attributes: dict[str, Any]
    time_ns: int
    """Nanoseconds since the epoch."""
    kind: str
    """gauge, sum or histogram."""
    unit: str
    value: float
    """The number; of a histogram its sum."""
    detail: dict[str, Any] = field(default_factory=dict)
    """Of a histogram: `count`, `bounds` and `buckets`."""
