"""What comes in. A batch that is sent twice is kept once."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from telemetry_store.records import LogRecord, Point, Span

from ._json import to_text
from ._observed import note_calls

_SEVERITIES: Final = {"debug": 0, "info": 1, "warning": 2, "error": 3, "critical": 4}
_SUMMARY: Final = """
INSERT OR REPLACE INTO traces
SELECT trace_id, min(start_ns), max(start_ns + duration_ns),
    (SELECT name FROM spans AS first WHERE first.trace_id = spans.trace_id ORDER BY parent_id <> '', start_ns LIMIT 1),
    (SELECT service FROM spans AS first WHERE first.trace_id = spans.trace_id ORDER BY parent_id <> '', start_ns LIMIT 1),
    ',' || group_concat(DISTINCT service) || ',', count(*), sum(failed)
FROM spans WHERE trace_id = ? GROUP BY trace_id
"""


def add_spans(connection: sqlite3.Connection, spans: Sequence[Span]) -> None:
    """Keep spans, and sum up the traces that they belong to.

    Args:
        connection: In a transaction.
        spans: The spans.
    """
    note_calls(connection, spans)
    connection.executemany(
        "INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                span.trace_id,
                span.span_id,
                span.parent_id,
                span.service,
                span.name,
                span.kind,
                span.start_ns,
                span.duration_ns,
                span.failed,
                span.message,
                to_text(span.attributes),
                to_text(span.events),
                to_text(span.resource),
            )
            for span in spans
        ),
    )
    connection.executemany(_SUMMARY, [(trace_id,) for trace_id in {span.trace_id for span in spans}])


def add_logs(connection: sqlite3.Connection, records: Iterable[LogRecord]) -> None:
    """Keep log records.

    Args:
        connection: In a transaction.
        records: The records.
    """
    connection.executemany(
        """INSERT OR IGNORE INTO logs
           (time_ns, service, level, severity, logger, event, trace_id, span_id, attributes, digest)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (_row(record) for record in records),
    )


def add_points(connection: sqlite3.Connection, points: Iterable[Point]) -> None:
    """Keep points of metrics.

    Args:
        connection: In a transaction.
        points: The points.
    """
    connection.executemany(
        "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                point.service,
                point.name,
                to_text(point.attributes),
                point.time_ns,
                point.kind,
                point.unit,
                point.value,
                to_text(point.detail),
            )
            for point in points
        ),
    )


def severity_of(level: str) -> int:
    """Tell how severe a level is.

    Args:
        level: Its name, in lower case.
    """
    return _SEVERITIES[level]


def _row(record: LogRecord) -> tuple[object, ...]:
    attributes = to_text(record.attributes)
    seen = (record.time_ns, record.service, record.logger, record.event, record.trace_id, record.span_id, attributes)
    digest = hashlib.blake2b(repr(seen).encode("utf-8", "replace"), digest_size=16).digest()
    return (
        record.time_ns,
        record.service,
        record.level,
        severity_of(record.level),
        record.logger,
        record.event,
        record.trace_id,
        record.span_id,
        attributes,
        digest,
    )
