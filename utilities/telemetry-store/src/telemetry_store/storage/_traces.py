"""Questions about traces."""

import sqlite3
from dataclasses import dataclass

from telemetry_store.records import Span

from ._json import from_text


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces are asked for; all that is given must hold."""

    service: str | None = None
    """A service that has a span in it."""
    name: str | None = None
    """A part of the first span's name."""
    since_ns: int | None = None
    until_ns: int | None = None
    min_duration_ns: int = 0
    failed: bool | None = None
    """True: with a span that failed; False: without one."""


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace in a listing."""

    trace_id: str
    name: str
    """Of its first span."""
    service: str
    """Of its first span."""
    services: tuple[str, ...]
    start_ns: int
    duration_ns: int
    spans: int
    failed_spans: int


def traces_page(
    connection: sqlite3.Connection, wanted: TraceFilter, after: tuple[int, str] | None, limit: int
) -> list[TraceSummary]:
    """List traces, the latest first.

    Args:
        connection: Where to look.
        wanted: Which.
        after: Start and id of the last one that the caller has.
        limit: How many.
    """
    service = None if wanted.service is None else f",{wanted.service},"
    start, last = after or (2**63 - 1, "")
    rows = connection.execute(
        """SELECT * FROM traces
           WHERE (start_ns, trace_id) < (:start, :last) AND (:since IS NULL OR start_ns >= :since)
             AND (:until IS NULL OR start_ns < :until) AND (:service IS NULL OR instr(services, :service))
             AND (:name IS NULL OR instr(lower(name), lower(:name))) AND end_ns - start_ns >= :shortest
             AND (:failed IS NULL OR (failed > 0) = :failed)
           ORDER BY start_ns DESC, trace_id DESC LIMIT :limit""",
        {
            "start": start,
            "last": last,
            "since": wanted.since_ns,
            "until": wanted.until_ns,
            "service": service,
            "name": wanted.name,
            "shortest": wanted.min_duration_ns,
            "failed": wanted.failed,
            "limit": limit,
        },
    )
    return [
        TraceSummary(
            trace_id=row["trace_id"],
            name=row["name"],
            service=row["service"],
            services=tuple(sorted(row["services"].strip(",").split(","))),
            start_ns=row["start_ns"],
            duration_ns=row["end_ns"] - row["start_ns"],
            spans=row["spans"],
            failed_spans=row["failed"],
        )
        for row in rows
    ]


def spans_of(connection: sqlite3.Connection, trace_id: str, limit: int) -> list[Span]:
    """Return the spans of a trace, in the order in which they began.

    Args:
        connection: Where to look.
        trace_id: The trace.
        limit: How many at most.
    """
    rows = connection.execute(
        "SELECT * FROM spans WHERE trace_id = ? ORDER BY start_ns, span_id LIMIT ?", (trace_id, limit)
    )
    return [
        Span(
            trace_id=row["trace_id"],
            span_id=row["span_id"],
            parent_id=row["parent_id"],
            service=row["service"],
            name=row["name"],
            kind=row["kind"],
            start_ns=row["start_ns"],
            duration_ns=row["duration_ns"],
            failed=bool(row["failed"]),
            message=row["message"],
            attributes=from_text(row["attributes"]),
            events=from_text(row["events"]),
            resource=from_text(row["resource"]),
        )
        for row in rows
    ]
