"""Reading a journal's tables through SQLite, as far as it goes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

UNREADABLE = (sqlite3.Error, UnicodeError)
"""What reading a damaged file raises; names and messages can be damaged, too."""
_KEYS = {"runs": "SELECT key FROM runs ORDER BY key", "history": "SELECT DISTINCT run FROM history ORDER BY run"}


class DamagedTables:
    """The tables of a journal's copy.

    Args:
        connection: Reads the copy.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def number(self, pragma: str) -> int | None:
        """Return a number of the file's header; None when it cannot be read."""
        try:
            found: int = self._connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        except UNREADABLE:
            return None
        return found

    def findings(self, limit: int) -> list[str]:
        """Return what SQLite finds wrong with the file's structure."""
        try:
            lines = [str(line) for (line,) in self._connection.execute(f"PRAGMA integrity_check({limit})")]
        except UNREADABLE as error:
            return [str(error)]
        return [] if lines == ["ok"] else [part for line in lines for part in line.splitlines()]

    def keys(self, table: str, on_error: Callable[[Exception], None]) -> Iterator[int]:
        """Yield the keys of the runs that a table knows, in order, up to the first page that cannot be read.

        Args:
            table: `runs` or `history`.
            on_error: Called when there is such a page.
        """
        last = -1
        try:
            for (key,) in self._connection.execute(_KEYS[table]):
                if not isinstance(key, int) or key <= last:  # a damaged page can claim anything
                    raise sqlite3.DatabaseError(f"{key!r} is out of order")
                last = key
                yield key
        except UNREADABLE as error:
            on_error(error)

    def run(self, key: int) -> dict[str, Any] | None:
        """Return a row of `runs` by column; None when it cannot be read."""
        try:
            cursor = self._connection.execute("SELECT * FROM runs WHERE key = ?", (key,))
            row = cursor.fetchone()
        except UNREADABLE:
            return None
        return None if row is None else dict(zip((column[0] for column in cursor.description), row, strict=True))

    def events(self, key: int) -> list[tuple[int, bytes]] | None:
        """Return (position, event) of a run; None when not all of them can be read."""
        sql = "SELECT position, event FROM history WHERE run = ? ORDER BY position"
        try:
            rows = self._connection.execute(sql, (key,)).fetchall()
        except UNREADABLE:
            return None
        positions = [position for position, _ in rows]
        in_order = all(isinstance(position, int) for position in positions) and positions == sorted(set(positions))
        return rows if in_order else None

    def last_position(self, key: int) -> int | None:
        """Return the position of a run's last event; None when the way there is damaged."""
        sql = "SELECT position FROM history WHERE run = ? ORDER BY position DESC LIMIT 1"
        try:
            row = self._connection.execute(sql, (key,)).fetchone()
        except UNREADABLE:
            return None
        return row[0] if row is not None and isinstance(row[0], int) else None
