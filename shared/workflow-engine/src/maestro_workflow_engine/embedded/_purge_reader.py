"""Finding what has ended, in the order in which it ended. A connection of its own: nobody waits while it reads."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from maestro_workflow_engine._errors import JournalCorruptError
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._journal import Parking, Statement
from maestro_workflow_engine.embedded._purge_plan import EndedRun, Extent

T = TypeVar("T")
Place = tuple[int, int]
"""When a run ended, and its key: where it stands among the runs that have ended."""

BEGINNING: Place = (-1, -1)
INDEX: Statement = (
    "CREATE INDEX IF NOT EXISTS runs_by_end ON runs (finished_us, key) WHERE finished_us IS NOT NULL",
    (),
)
"""Made when somebody first purges: a journal in which nothing is purged does not pay for it."""

_LEAVING = int(Parking.LEAVING)
_RUNS = f"""
SELECT r.key, r.id, r.workflow, r.status, iif(r.parked = {_LEAVING}, NULL, r.finished_us), p.id, p.status,
    EXISTS (SELECT 1 FROM runs c WHERE c.parent_key = r.key AND c.finished_us IS NULL)
FROM runs r LEFT JOIN runs p ON p.key = r.parent_key
"""  # noqa: S608  our own number
_ENDED = f"""{_RUNS}
WHERE r.finished_us IS NOT NULL AND r.parked <> {_LEAVING} AND r.finished_us >= ? AND r.finished_us <= ? AND (r.finished_us, r.key) > (?, ?)
ORDER BY r.finished_us, r.key LIMIT ?
"""
_NEXT = f"SELECT min(finished_us) FROM runs WHERE finished_us IS NOT NULL AND parked <> {_LEAVING} AND finished_us > ?"  # noqa: S608  likewise
_CONTINUED = b'{"type":"run_continued"'


class PurgeReader:
    """Reads on other threads what a purge needs to know.

    Args:
        path: The journal.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection = _schema.connect(path, read_only=True)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    async def ended(self, after: Place, until_us: int, limit: int) -> list[EndedRun]:
        """Return the next runs that had ended by a time, longest ago first."""
        rows = await self._on_thread(lambda: self._query(_ENDED, (after[0], until_us, *after, limit)))
        return [_run(row) for row in rows]

    async def next_end(self, after: Place) -> int | None:
        """Return when the next run after a place ended; None when there is none. Runs of one microsecond count as one."""
        found = await self._on_thread(lambda: self._query(_NEXT, (after[0],)))
        end: int | None = found[0][0]
        return end

    async def by_id(self, run_id: str) -> EndedRun | None:
        """Return a run; its `finished_us` is -1 when it has not ended. None when there is none."""
        rows = await self._on_thread(lambda: self._query(f"{_RUNS} WHERE r.id = ?", (run_id,)))
        return _run(rows[0]) if rows else None

    async def children(self, key: int, after: int, limit: int) -> list[EndedRun]:
        """Return the next children of a run, by key; see `by_id`."""
        sql = f"{_RUNS} WHERE r.parent_key = ? AND r.key > ? ORDER BY r.key LIMIT ?"
        return [_run(row) for row in await self._on_thread(lambda: self._query(sql, (key, after, limit)))]

    async def extents(self, keys: Sequence[int]) -> list[Extent]:
        """Return what the journal has of each run."""
        return await self._on_thread(lambda: [self._extent(key) for key in keys])

    async def unreferenced(self, until_us: int, limit: int) -> list[str]:
        """Return digests of stored payloads that nothing refers to any more, or did not at some time until then."""
        sql = "SELECT sha256 FROM payload_garbage WHERE since_us <= ? ORDER BY since_us LIMIT ?"
        return [sha256 for (sha256,) in await self._on_thread(lambda: self._query(sql, (until_us, limit)))]

    async def next_unreferenced(self) -> int | None:
        """Return since when the first of these is not referred to; None when there is none."""
        rows = await self._on_thread(lambda: self._query("SELECT min(since_us) FROM payload_garbage", ()))
        found: int | None = rows[0][0]
        return found

    def referred_to(self, digests: Iterable[str]) -> set[str]:
        """Return those digests to which an event refers at this moment."""
        sql = "SELECT 1 FROM payload_refs WHERE sha256 = ? LIMIT 1"
        return {sha256 for sha256 in digests if self._query(sql, (sha256,))}

    def _extent(self, key: int) -> Extent:
        head = "SELECT position, substr(event, 1, ?) FROM history WHERE run = ? ORDER BY position LIMIT 2"
        first = self._query(head, (len(_CONTINUED), key))
        (last, events, size), *_ = self._query(
            "SELECT max(position), count(*), coalesce(sum(length(event)), 0) FROM history WHERE run = ?", (key,)
        )
        if not first:
            return Extent(0, 0, -1, -1, 0, 0)
        start: int = first[1][0] if first[0][1] == _CONTINUED and len(first) > 1 else first[0][0]
        (between, size_between), *_ = self._query(
            "SELECT count(*), coalesce(sum(length(event)), 0) FROM history WHERE run = ? AND position > ? AND position < ?",
            (key, start, last),
        )
        return Extent(events, size, start, last, between, size_between)

    async def _on_thread(self, read: Callable[[], T]) -> T:
        return await asyncio.to_thread(read)

    def _query(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise JournalCorruptError(self._path, f"journal {self._path} cannot be read: {error}") from error


def _run(row: tuple[Any, ...]) -> EndedRun:
    key, run_id, workflow, status, finished_us, parent_id, parent_status, has_open_children = row
    finished_us = -1 if finished_us is None else finished_us
    return EndedRun(
        key, run_id, workflow, status, finished_us, parent_id, parent_status, has_open_children=bool(has_open_children)
    )
