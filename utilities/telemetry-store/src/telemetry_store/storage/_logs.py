"""Questions about logs."""

import re
import sqlite3
from dataclasses import dataclass
from typing import Final

from telemetry_store.records import LogRecord

from ._json import from_text
from ._writing import severity_of

_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which records are asked for; all that is given must hold."""

    service: str | None = None
    level: str = "debug"
    """The least severe level."""
    trace_id: str | None = None
    text: str | None = None
    """Words that all begin a word of the event or of an attribute."""
    since_ns: int | None = None
    until_ns: int | None = None


def logs_page(
    connection: sqlite3.Connection, wanted: LogFilter, after: tuple[int, int] | None, limit: int
) -> list[tuple[int, LogRecord]]:
    """List records, the latest first.

    Args:
        connection: Where to look.
        wanted: Which.
        after: Time and number of the last one that the caller has.
        limit: How many.

    Returns:
        Each with its number.
    """
    words = _WORD.findall(wanted.text or "")
    if wanted.text and not words:
        return []
    time_ns, last = after or (2**63 - 1, 0)
    found = "AND id IN (SELECT rowid FROM logs_text WHERE logs_text MATCH :words)" if words else ""
    rows = connection.execute(
        f"""SELECT * FROM logs
            WHERE (time_ns, id) < (:time, :last) AND severity >= :severity
              AND (:service IS NULL OR service = :service) AND (:trace IS NULL OR trace_id = :trace)
              AND (:since IS NULL OR time_ns >= :since) AND (:until IS NULL OR time_ns < :until) {found}
            ORDER BY time_ns DESC, id DESC LIMIT :limit""",  # noqa: S608 - one of two texts of our own
        {
            "time": time_ns,
            "last": last,
            "severity": severity_of(wanted.level),
            "service": wanted.service,
            "trace": wanted.trace_id,
            "since": wanted.since_ns,
            "until": wanted.until_ns,
            "words": " ".join(f'"{word}"*' for word in words),
            "limit": limit,
        },
    )
    return [(row["id"], _record(row)) for row in rows]


def logs_of(connection: sqlite3.Connection, trace_id: str, limit: int) -> list[LogRecord]:
    """Return the records of a trace, in the order in which they were written.

    Args:
        connection: Where to look.
        trace_id: The trace.
        limit: How many at most.
    """
    rows = connection.execute(
        "SELECT * FROM logs WHERE trace_id = ? AND trace_id <> '' ORDER BY time_ns, id LIMIT ?", (trace_id, limit)
    )
    return [_record(row) for row in rows]


def _record(row: sqlite3.Row) -> LogRecord:
    return LogRecord(
        time_ns=row["time_ns"],
        service=row["service"],
        level=row["level"],
        logger=row["logger"],
        event=row["event"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        attributes=from_text(row["attributes"]),
    )
