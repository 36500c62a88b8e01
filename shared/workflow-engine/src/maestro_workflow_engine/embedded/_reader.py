"""Reading the journal for the engine itself: runs by id and key, one run's history."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from maestro_workflow_engine._errors import JournalCorruptError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._pauses import ALL, Pause
from maestro_workflow_engine.embedded._queue_rows import PlaceRow
from maestro_workflow_engine.embedded._sealing import MARK, REFERENCE, Sealer
from maestro_workflow_engine.machine._events import Event, RunStarted, decode_event

_COLUMNS = (
    "key, id, workflow, version, status, created_us, finished_us, parent_key, parent_seq, parked, wake_us, attributes,"
    " history_purged_us, ran_as, on_parent_close"
)
_PLACES = (
    "SELECT p.run, p.settings, p.begun, r.status, r.workflow, r.created_us FROM places p JOIN runs r ON r.key = p.run"
)

_UNREADABLE = (
    msgspec.MsgspecError,
    ValueError,
    TypeError,
)  # what a damaged event can raise: bad JSON, bad UTF-8, no text
_STATUSES = frozenset(RunStatus)


class RunRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of `runs`."""

    key: int
    id: str
    workflow: str
    version: str
    status: str
    created_us: int
    finished_us: int | None
    parent_key: int | None
    parent_seq: int | None
    parked: int
    wake_us: int | None
    attributes: bytes | None
    history_purged_us: int | None = None
    ran_as: str | None = None
    """The id it had before another run took it."""

    on_parent_close: str | None = None

    @property
    def own_id(self) -> str:
        """The id its code knows it by."""
        return self.ran_as or self.id


class JournalReader:
    """A read-only connection for the engine's own look-ups; listings, which may take long, have one of their own."""

    def __init__(self, path: str, sealer: Sealer, at_hand: Mapping[str, bytes | None]) -> None:
        self.path = path
        self._sealer = sealer
        self._at_hand = at_hand
        self._connection = _schema.connect(path, read_only=True)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def by_id(self, run_id: str) -> RunRow | None:
        """Find a run by its id."""
        rows = self._query(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (run_id,))  # noqa: S608  columns are ours
        return self._row(rows)

    def by_key(self, key: int) -> RunRow | None:
        """Find a run by its key."""
        rows = self._query(f"SELECT {_COLUMNS} FROM runs WHERE key = ?", (key,))  # noqa: S608  columns are ours
        return self._row(rows)

    def by_parent(self, key: int, seq: int) -> RunRow | None:
        """Find the run that a run started as a child, by the number of that call."""
        sql = f"SELECT {_COLUMNS} FROM runs WHERE parent_key = ? AND parent_seq = ?"  # noqa: S608  columns are ours
        return self._row(self._query(sql, (key, seq)))

    def last_key(self) -> int:
        """Return the highest key given out, to a run that is gone as well; 0 in a new journal.

        A key that came back would make a stranger the parent of a run whose parent was purged.
        """
        (there,), (gone,) = (
            self._query(sql, ())[0]
            for sql in (
                "SELECT coalesce(max(key), 0) FROM runs",
                "SELECT coalesce(max(value), 0) FROM facts WHERE name = 'last_purged_key'",
            )
        )
        return max(int(there), int(gone))

    def journal_id(self) -> str:
        """Return what tells this journal from others; a copy of the file has the same."""
        found: str = self._query("SELECT value FROM facts WHERE name = 'journal_id'", ())[0][0]
        return found

    def sleeping(self) -> list[tuple[int, int]]:
        """Return (wake_us, key) of every run that left memory and wakes by itself."""
        return self._query(
            "SELECT wake_us, key FROM runs WHERE status = 'running' AND parked = 1 AND wake_us IS NOT NULL", ()
        )

    def interrupted(self) -> list[tuple[int, str, str]]:
        """Return (key, workflow, version) of every run that was at work when the process ended, or held by a pause."""
        return self._query(
            "SELECT key, workflow, version FROM runs WHERE status = 'running' AND parked <> 1 ORDER BY key", ()
        )

    def held(self, workflow: str, version: str, rung_us: int, after: int, limit: int) -> list[int]:
        """Return the keys of runs that may have something to do now that their workflow is no longer paused.

        Args:
            workflow: The workflow.
            version: Its version; empty for every one.
            rung_us: Sleeping runs whose time came until then are among them (µs since the epoch).
            after: Only greater keys.
            limit: The most to return, in order.
        """
        rows = self._query(
            "SELECT key FROM runs INDEXED BY runs_by_status WHERE status = 'running' AND key > ? AND workflow = ?"
            " AND (? = '' OR version = ?) AND (parked <> 1 OR wake_us <= ?) ORDER BY key LIMIT ?",
            (after, workflow, version, version, rung_us, limit),
        )
        return [key for (key,) in rows]

    def pauses(self) -> list[Pause]:
        """Return which workflows are paused."""
        return [Pause(*row) for row in self._query(ALL, ())]

    def children(self, key: int) -> list[RunRow]:
        """Return the children of a run, in the order in which they were started."""
        rows = self._query(f"SELECT {_COLUMNS} FROM runs WHERE parent_key = ? ORDER BY key", (key,))  # noqa: S608  columns are ours
        return [RunRow(*row) for row in rows]

    def bound_children(self, key: int) -> list[int]:
        """Return the keys of the children of a run that have not ended and do not outlive it."""
        found = self._query(
            "SELECT key FROM runs WHERE parent_key = ? AND status IN ('running', 'paused')"
            " AND coalesce(on_parent_close, '') <> 'abandon' ORDER BY key",
            (key,),
        )
        return [child for (child,) in found]

    def heartbeat_places(self) -> list[tuple[int, int]]:
        """Return (run, seq) of every step that has given a sign of life and has not ended."""
        return self._query("SELECT run, seq FROM heartbeats", ())

    def heartbeat(self, key: int, seq: int) -> tuple[int, bytes] | None:
        """Return when a step last gave a sign of life, in µs since the epoch, and what it said, sealed."""
        rows = self._query("SELECT time_us, details FROM heartbeats WHERE run = ? AND seq = ?", (key, seq))
        return rows[0] if rows else None

    def subscriptions(self) -> list[tuple[int, str, bytes]]:
        """Return (run, name, sealed filters) of every run that listens."""
        return self._query("SELECT run, name, filters FROM subscriptions", ())

    def has_event(self, source: str, event_id: str) -> bool:
        """Tell whether an event has come before, and not too long ago."""
        return bool(self._query("SELECT 1 FROM events WHERE source = ? AND id = ?", (source, event_id)))

    def announced(self) -> list[tuple[int, int]]:
        """Return (run, number) of how much each run has told about itself."""
        return self._query("SELECT run, number FROM announced", ())

    def outbox(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return (number, sealed event) of what is to leave, in order."""
        return self._query("SELECT number, event FROM outbox WHERE number > ? ORDER BY number LIMIT ?", (after, limit))

    def last_in_outbox(self) -> int:
        """Return the highest number in the outbox; 0 when it is empty."""
        found: int = self._query("SELECT coalesce(max(number), 0) FROM outbox", ())[0][0]
        return found

    def schedules(self) -> list[tuple[str, bytes, bytes]]:
        """Return (id, settings, progress) of every schedule."""
        return self._query("SELECT id, settings, progress FROM schedules ORDER BY id", ())

    def places(self) -> list[PlaceRow]:
        """Return the place of every run that has one, by key."""
        return [PlaceRow(*row) for row in self._query(f"{_PLACES} ORDER BY p.run", ())]

    def place(self, key: int) -> PlaceRow | None:
        """Return the place of a run."""
        found = self._query(f"{_PLACES} WHERE p.run = ?", (key,))
        return PlaceRow(*found[0]) if found else None

    def paused_queues(self) -> dict[str, str]:
        """Return the notes of the queues that are paused, by name."""
        return {name: note.decode() for name, note in self._query("SELECT name, note FROM paused_queues", ())}

    def admissions(self, queue: str, count: int) -> list[int]:
        """Return when the last runs of a queue began, in µs since the epoch, oldest first; only queues with a rate have any."""
        found = self._query("SELECT at_us FROM admissions WHERE queue = ? ORDER BY at_us DESC LIMIT ?", (queue, count))
        return [at_us for (at_us,) in reversed(found)]

    def is_sealed(self, key: int) -> bool:
        """Tell whether any payload of a run is there in another form than its own."""
        query = "SELECT EXISTS (SELECT 1 FROM history WHERE run = ? AND instr(event, ?))"
        return bool(self._query(query, (key, MARK))[0][0])

    def last_seq(self, key: int) -> int:
        """Return the highest sequence number in a run's history, of the passes before as well; 0 for none."""
        text = "CAST(event AS TEXT)"
        numbers = f"max(coalesce(json_extract({text}, '$.seq'), json_extract({text}, '$.first_seq'), 0))"
        found: int = self._query(f"SELECT coalesce({numbers}, 0) FROM history WHERE run = ?", (key,))[0][0]  # noqa: S608  columns are ours
        return found

    def raw_history(self, key: int, after: int = -1, limit: int = -1) -> list[tuple[int, bytes]]:
        """Return (position, event bytes) of a run, in order, with its payloads as they were before they were sealed.

        Raises:
            PayloadUnreadableError: A payload cannot be read back.
        """
        rows = self._query(
            "SELECT position, event FROM history WHERE run = ? AND position > ? ORDER BY position LIMIT ?",
            (key, after, limit),
        )
        return self._opened(key, rows)

    def next_position(self, key: int) -> int:
        """Return the position of a run's next event."""
        found: int = self._query("SELECT coalesce(max(position), -1) + 1 FROM history WHERE run = ?", (key,))[0][0]
        return found

    def referring(self, key: int, after: int = -1) -> list[bytes]:
        """Return the sealed bytes of those events of a run that refer to stored payloads."""
        rows = self._query(
            "SELECT event FROM history WHERE run = ? AND position > ? AND instr(event, ?) ORDER BY position",
            (key, after, REFERENCE),
        )
        return [event for (event,) in rows]

    def of_update(self, key: int, update_id: str) -> list[tuple[int, bytes]]:
        """Return (position, sealed bytes) of the events that name an update; `decoded` reads them, and the rest is not read."""
        mark = b'"update_id":' + msgspec.json.encode(update_id)
        return self._query(
            "SELECT position, event FROM history WHERE run = ? AND instr(event, ?) ORDER BY position", (key, mark)
        )

    def decoded(self, key: int, rows: list[tuple[int, bytes]]) -> list[Event]:
        """Return the events of sealed rows.

        Raises:
            PayloadUnreadableError: A payload cannot be read back.
            JournalCorruptError: An event cannot be read.
        """
        return [self._decode(key, position, data) for position, data in self._opened(key, rows)]

    def sealed_ends(self, key: int) -> list[bytes]:
        """Return the sealed bytes of the events that `started` and `last` look at."""
        query = "SELECT event FROM history WHERE run = ? ORDER BY position"
        return [event for sql in (f"{query} LIMIT 2", f"{query} DESC LIMIT 1") for (event,) in self._query(sql, (key,))]

    def history(self, key: int) -> Iterator[tuple[int, Event]]:
        """Yield (position, event) of a run, in order.

        Raises:
            JournalCorruptError: An event cannot be read.
        """
        for position, raw in self.raw_history(key):
            yield position, self._decode(key, position, raw)

    def started(self, key: int) -> RunStarted | None:
        """Return how a run's current pass started; only a RunContinued can stand before that."""
        for position, raw in self.raw_history(key, limit=2):
            event = self._decode(key, position, raw)
            if isinstance(event, RunStarted):
                return event
        return None

    def last(self, key: int) -> Event | None:
        """Return a run's last event."""
        rows = self._query("SELECT position, event FROM history WHERE run = ? ORDER BY position DESC LIMIT 1", (key,))
        rows = self._opened(key, rows)
        return self._decode(key, *rows[0]) if rows else None

    def _row(self, rows: list[tuple[Any, ...]]) -> RunRow | None:
        if not rows:
            return None
        row = RunRow(*rows[0])
        if row.status not in _STATUSES:
            what = f"holds a row that cannot be read: run {row.id!r} has the status {row.status!r}"
            raise JournalCorruptError.damaged(self.path, what)
        return row

    def _opened(self, key: int, rows: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        row, run_id = None, ""
        try:
            if not any(MARK in data for _, data in rows):
                return rows
            row = self.by_key(key)
            run_id = row.id if row else ""
            return [(position, self._sealer.open(run_id, position, data, self._at_hand)) for position, data in rows]
        except _UNREADABLE as error:
            what = f"holds an event of run {run_id!r} that cannot be read ({error})"
            raise JournalCorruptError.damaged(self.path, what) from error

    def _decode(self, key: int, position: int, raw: bytes) -> Event:
        try:
            return decode_event(raw)
        except _UNREADABLE as error:
            row = self.by_key(key)
            what = (
                f"holds an event that cannot be read: position {position} of run {row.id if row else key!r} ({error})"
            )
            raise JournalCorruptError.damaged(self.path, what) from error

    def _query(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except (sqlite3.DatabaseError, UnicodeError) as error:
                raise JournalCorruptError.damaged(self.path, f"cannot be read ({error})") from error
