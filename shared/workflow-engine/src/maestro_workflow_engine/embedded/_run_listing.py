"""Listing and counting runs, on a connection of its own: however long that takes, the engine's look-ups do not wait."""

from __future__ import annotations

import sqlite3
import threading
from datetime import datetime
from typing import Any

from maestro_workflow_engine._attributes import AttributeValue, decode, shown
from maestro_workflow_engine._errors import EngineClosedError, JournalCorruptError
from maestro_workflow_engine._records import RunInfo, RunPage, RunStatus, moment
from maestro_workflow_engine._run_filter import RunFilter, RunOrder
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._run_cursor import make_cursor, read_cursor
from maestro_workflow_engine.embedded._run_query import Criterion, Seek, criteria

_COUNTED = 1000
_MOST_VALUES = 30_000  # SQLite takes 32,766
_COLUMNS = "r.key, r.id, r.workflow, r.version, r.status, r.created_us, r.finished_us, p.id, r.attributes"
_ALL = Criterion("1", (), (Seek("runs r", "1", ()),))


class RunListing:
    """Answers filters. Any thread may call it; calls take turns.

    Args:
        path: The journal's file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection = _schema.connect(path, read_only=True)
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Give up what is under way and close the connection."""
        self._closed = True
        self._connection.interrupt()
        with self._lock:
            self._connection.close()

    def page(self, wanted: RunFilter, order: RunOrder, limit: int, cursor: str | None) -> RunPage:
        """List runs.

        Raises:
            ValueError: The cursor is none of this listing.
            EngineClosedError: The engine was closed meanwhile.
        """
        after = None if cursor is None else read_cursor(cursor, wanted, order)
        with self._lock:
            rows = self._query(*self.page_statement(wanted, order, limit + 1, after))
        more = len(rows) > limit
        runs = [_info(*row[1:]) for row in rows[:limit]]
        return RunPage(runs, make_cursor(rows[limit - 1][0], wanted, order) if more else None)

    def count(self, wanted: RunFilter) -> int:
        """Return how many runs are meant.

        Raises:
            EngineClosedError: The engine was closed meanwhile.
        """
        with self._lock:
            found: int = self._query(*self.count_statement(wanted))[0][0]
        return found

    def page_statement(
        self, wanted: RunFilter, order: RunOrder, limit: int, after: int | None
    ) -> tuple[str, tuple[object, ...]]:
        """Return what lists runs: each way in finds `limit` of them in order; what is first of those is the page."""
        way, checks = self._way(criteria(wanted))
        direction, step = ("DESC", "<") if order is RunOrder.NEWEST else ("ASC", ">")
        selects, values = [], list[object]()
        for seek in way.seeks:
            where = [seek.where, *(check.check for check in checks)]
            values += [*seek.values, *(value for check in checks for value in check.values)]
            if after is not None:
                where.append(f"{seek.key} {step} ?")
                values.append(after)
            values.append(limit)
            select = f"SELECT {seek.key} AS key FROM {seek.source} WHERE {' AND '.join(where)}"  # noqa: S608  ours
            selects.append(f"SELECT key FROM ({select} ORDER BY {seek.key} {direction} LIMIT ?)")  # noqa: S608  ours
        sql = (
            f"SELECT {_COLUMNS} FROM ({' UNION '.join(selects)}) k CROSS JOIN runs r ON r.key = k.key"  # noqa: S608  ours
            f" LEFT JOIN runs p ON p.key = r.parent_key ORDER BY k.key {direction} LIMIT ?"
        )
        return sql, _bounded([*values, limit])

    def count_statement(self, wanted: RunFilter) -> tuple[str, tuple[object, ...]]:
        """Return what counts runs."""
        way, checks = self._way(criteria(wanted))
        selects, values = [], list[object]()
        for seek in way.seeks:
            where = " AND ".join([seek.where, *(check.check for check in checks)])
            selects.append(f"SELECT {seek.key} AS key FROM {seek.source} WHERE {where}")  # noqa: S608  clauses are ours
            values += [*seek.values, *(value for check in checks for value in check.values)]
        return f"SELECT count(*) FROM ({' UNION '.join(selects)})", _bounded(values)  # noqa: S608  clauses are ours

    def _way(self, wanted: list[Criterion]) -> tuple[Criterion, list[Criterion]]:
        """Return the criterion that few runs meet, which leads the way, and those that are then checked."""
        ways = [criterion for criterion in wanted if criterion.seeks]
        if not ways:
            return _ALL, wanted
        best = ways[0] if len(ways) == 1 else min(ways, key=self._breadth)
        return best, [criterion for criterion in wanted if criterion is not best]

    def _breadth(self, criterion: Criterion) -> int:
        """Return how many runs meet a criterion, as far as it is worth counting."""
        found = 0
        for seek in criterion.seeks:
            source, where = seek.probe or seek.source, seek.probe_where or seek.where
            sql = f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT ?)"  # noqa: S608  clauses are ours
            found += self._query(sql, (*seek.values, _COUNTED))[0][0]
        return min(found, _COUNTED)

    def _query(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        if self._closed:
            raise EngineClosedError("the engine is closed")
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            if self._closed:
                raise EngineClosedError("the engine was closed while runs were being listed") from error
            raise JournalCorruptError(self._path, f"journal {self._path} cannot be read: {error}") from error


def _bounded(values: list[object]) -> tuple[object, ...]:
    if len(values) > _MOST_VALUES:
        raise ValueError("the filter names too many values at once; use fewer one_of() conditions, or shorter ones")
    return tuple(values)


def attributes_shown(column: bytes | None) -> dict[str, AttributeValue]:
    """Return a run's attributes from its row."""
    return {} if column is None else shown(decode(column))


def _info(
    run_id: str,
    workflow: str,
    version: str,
    status: str,
    created_us: int,
    finished_us: int | None,
    parent_id: str | None,
    attributes: bytes | None,
) -> RunInfo:
    finished: datetime | None = None if finished_us is None else moment(finished_us)
    return RunInfo(
        id=run_id,
        workflow=workflow,
        version=version,
        status=RunStatus(status),
        created_at=moment(created_us),
        finished_at=finished,
        parent_id=parent_id,
        attributes=attributes_shown(attributes),
    )
