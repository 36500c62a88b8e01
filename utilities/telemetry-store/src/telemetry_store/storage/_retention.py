"""Taking out what is too old or too much."""

import sqlite3
from dataclasses import dataclass
from typing import Final

_TABLES: Final = (("spans", "start_ns"), ("traces", "start_ns"), ("logs", "time_ns"), ("points", "time_ns"))
_SHARE: Final = 10
_ROUNDS: Final = 40


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is kept."""

    spans: int
    traces: int
    logs: int
    points: int
    used_bytes: int
    """What of the file is in use."""


def sizes(connection: sqlite3.Connection) -> Sizes:
    """Count what is kept.

    Args:
        connection: Where to look.
    """
    counts = {
        table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - names of our own
        for table, _ in _TABLES
    }
    return Sizes(**counts, used_bytes=_used(connection))


def sweep(connection: sqlite3.Connection, *, before_ns: int, max_bytes: int) -> int:
    """Take out what began before a moment, and then the oldest until the rest fits.

    Args:
        connection: In a transaction.
        before_ns: Nanoseconds since the epoch.
        max_bytes: How much may be kept.

    Returns:
        How many rows went.
    """
    gone = _drop(connection, before_ns)
    for _ in range(_ROUNDS):
        if _used(connection) <= max_bytes:
            break
        span = _kept(connection)
        if span is None:
            break
        oldest, latest = span
        gone += _drop(connection, oldest + (latest - oldest) // _SHARE + 1)
    if gone:
        connection.execute("PRAGMA incremental_vacuum").fetchall()
    return gone


def _drop(connection: sqlite3.Connection, before_ns: int) -> int:
    return sum(
        connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (before_ns,)).rowcount  # noqa: S608 - as above
        for table, column in _TABLES
    )


def _kept(connection: sqlite3.Connection) -> tuple[int, int] | None:
    found = [
        row
        for table, column in _TABLES
        if (row := connection.execute(f"SELECT min({column}), max({column}) FROM {table}").fetchone())[0] is not None  # noqa: S608 - as above
    ]
    return (min(row[0] for row in found), max(row[1] for row in found)) if found else None


def _used(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
