"""The journal that is moved from: locked, read, and marked before and after each run that leaves it.

A run leaves in three steps: the journal says that it is being moved (one transaction, for it and its children), the other engine
takes it, the journal says that it has. After the first no engine on this journal drives it any more, so that a crash doubles
nothing; before the third the journal remembers what is under way, so that a crash loses nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from maestro_workflow_engine._errors import JournalCorruptError
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._children import news_of
from maestro_workflow_engine.embedded._journal import Parking, Statement
from maestro_workflow_engine.embedded._lock import JournalLock
from maestro_workflow_engine.embedded._pauses import Pauses
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.moving._errors import MoveError
from maestro_workflow_engine.moving._writing import write

_RUN = "moving run "
_SCHEDULE = "moving schedule "
_OPEN = "SELECT key FROM runs WHERE status IN ('running', 'paused', 'queued') ORDER BY key"
_ENDED = "SELECT status, count(*) FROM runs WHERE status NOT IN ('running', 'paused', 'queued') GROUP BY status"
_GONE = (
    "SELECT count(*) FROM runs r WHERE status = 'terminated'"
    " AND EXISTS (SELECT 1 FROM history h WHERE h.run = r.key AND instr(h.event, CAST('\"moved_to\":' AS BLOB)))"
)
_INSERT_FACT = "INSERT INTO facts (name, value) VALUES (?, ?)"
_DELETE_FACT = "DELETE FROM facts WHERE name = ?"
_INSERT_EVENT = "INSERT INTO history (run, position, event) VALUES (?, ?, ?)"
_END = "UPDATE runs SET status = 'terminated', finished_us = ?, parked = ?, wake_us = NULL WHERE key = ?"
_REOPEN = "UPDATE runs SET status = ?, finished_us = NULL, parked = ?, wake_us = ? WHERE key = ?"


class Leaving(msgspec.Struct, frozen=True):
    """A run as it was before it was marked: what takes it back, or lets the move go on.

    Attributes:
        key: Its key.
        position: That of the event which says that it was moved.
        status: Where it stood.
        parked: How it had left memory.
        wake_us: When it was to wake, in µs since the epoch.
        place: Its row in the queues; None when it had none.
    """

    key: int
    position: int
    status: str
    parked: int
    wake_us: int | None = None
    place: tuple[str, int] | None = None


class Departure(msgspec.Struct, frozen=True):
    """A run and its children on their way, parents first."""

    target: str
    runs: list[Leaving]


class JournalSource:
    """A journal that nobody else has open. Use `opened`.

    Attributes:
        path: The file.
        reader: Reads it.
        sealer: Seals and opens its payloads.
        pauses: Which workflows are paused.
        id: What tells this journal from others.
    """

    def __init__(self, path: str, connection: sqlite3.Connection, reader: JournalReader, sealer: Sealer) -> None:
        self.path = path
        self.reader = reader
        self.sealer = sealer
        self.pauses = Pauses(reader.pauses())
        self.id = reader.journal_id()
        self._connection = connection

    @classmethod
    @contextmanager
    def opened(cls, path: str, payloads: PayloadOptions) -> Iterator[Self]:
        """Lock and open a journal while the block runs.

        Args:
            path: The file.
            payloads: How its payloads are kept.

        Yields:
            The journal.

        Raises:
            JournalLockedError: An engine has it open; names the process.
            MoveError: There is no such journal.
            JournalError: It cannot be read.
        """
        if not Path(path).is_file():
            raise MoveError(f"there is no journal {path}")
        with ExitStack() as stack:
            lock = JournalLock(path)
            lock.acquire()
            stack.callback(lock.release)
            connection = _schema.connect(path)
            stack.callback(connection.close)
            sealer = Sealer(payloads)
            reader = JournalReader(path, sealer, {})
            stack.callback(reader.close)
            yield cls(path, connection, reader, sealer)

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def open_runs(self) -> list[int]:
        """Return the keys of the runs that have not ended, parents before their children."""
        return [key for (key,) in self._query(_OPEN)]

    def ended(self) -> tuple[dict[str, int], int]:
        """Return how many runs have ended, by status, and how many were moved away."""
        ((gone,),) = self._query(_GONE)
        ended = dict[str, int](self._query(_ENDED))
        ended["terminated"] = ended.get("terminated", 0) - gone
        return {status: count for status, count in sorted(ended.items()) if count}, gone

    def departures(self) -> dict[str, Departure]:
        """Return what an interrupted move has left under way, by the id of the first run of each."""
        return {name: msgspec.json.decode(value, type=Departure) for name, value in self._facts(_RUN)}

    def history(self, row: RunRow, before: int | None = None) -> list[tuple[int, ev.Event]]:
        """Return (position, event) of a run, without what says that it was moved.

        Raises:
            PayloadUnreadableError: A payload cannot be read back.
            PayloadStoreError: The payload store cannot be reached.
            JournalCorruptError: An event cannot be read.
        """
        return [entry for entry in self.reader.history(row.key) if before is None or entry[0] < before]

    def news(self, child: RunRow, seq: int) -> ev.Event | None:
        """Return what the end of a child is to its parent."""
        last = self.reader.last(child.key)
        return None if last is None else news_of(last, seq, child.workflow, child.own_id)

    def place(self, key: int) -> tuple[str, int] | None:
        """Return a run's row in the queues, settings and whether it has begun; None when it has none."""
        place = self.reader.place(key)
        return None if place is None else (place.settings.decode(), place.begun)

    def kept_events(self, key: int, before: int) -> list[tuple[int, bytes]]:
        """Return (position, event) of a run before a position, as the journal has them."""
        return self._query("SELECT position, event FROM history WHERE run = ? AND position < ?", key, before)

    def mark(self, rows: Sequence[RunRow], target: str) -> Departure:
        """Say that runs are being moved; from now on no engine drives them here.

        Args:
            rows: A run and its children, parents first.
            target: Where they go.

        Raises:
            JournalWriteError: The disk refuses; they are as they were.
        """
        now = time.time_ns() // 1000
        leaving, statements = [], list[Statement]()
        for row in rows:
            position, place = self.reader.next_position(row.key), self.place(row.key)
            leaving.append(Leaving(row.key, position, row.status, row.parked, row.wake_us, place))
            moved = ev.RunTerminated(now, f"moved to {target}", target)
            data = self.sealer.seal(row.id, position, moved, {})
            statements += [
                (_INSERT_EVENT, (row.key, position, data)),
                (_END, (now, int(Parking.LEAVING), row.key)),
                ("DELETE FROM places WHERE run = ?", (row.key,)),
            ]
        departure = Departure(target, leaving)
        statements.append((_INSERT_FACT, (_RUN + rows[0].id, _text(departure))))
        self._write(statements)
        return departure

    def confirm(self, run_id: str, departure: Departure) -> None:
        """Say that the other engine has a run and its children."""
        statements: list[Statement] = [(_DELETE_FACT, (_RUN + run_id,))]
        for run in departure.runs:
            statements.append(("DELETE FROM heartbeats WHERE run = ?", (run.key,)))
            statements.append(("UPDATE runs SET parked = ? WHERE key = ?", (int(Parking.NOT), run.key)))
        self._write(statements)

    def take_back(self, run_id: str, departure: Departure) -> None:
        """Undo a mark: the other engine has refused."""
        statements: list[Statement] = [(_DELETE_FACT, (_RUN + run_id,))]
        for run in departure.runs:
            statements += [
                ("DELETE FROM history WHERE run = ? AND position = ?", (run.key, run.position)),
                (_REOPEN, (run.status, run.parked, run.wake_us, run.key)),
            ]
            if run.place is not None:
                insert = "INSERT INTO places (run, settings, begun) VALUES (?, ?, ?)"
                statements.append((insert, (run.key, run.place[0].encode(), run.place[1])))
        self._write(statements)

    def row(self, key: int, leaving: Leaving | None = None) -> RunRow | None:
        """Return a run's row; as it was before it was marked, when it was: another run may have been started under its id."""
        row = self.reader.by_key(key)
        if row is None or leaving is None:
            return row
        return msgspec.structs.replace(row, id=row.own_id, ran_as=None, status=leaving.status, finished_us=None)

    # ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────

    def schedule_departures(self) -> dict[str, bytes]:
        """Return what an interrupted move has left under way of schedules, by id."""
        return dict(self._facts(_SCHEDULE))

    def mark_schedule(self, schedule_id: str, settings: bytes, fact: bytes) -> None:
        """Say that a schedule is being moved, and pause it here.

        Args:
            schedule_id: The schedule.
            settings: Its row from now on.
            fact: What the move needs to go on after a crash.
        """
        change = "UPDATE schedules SET settings = ? WHERE id = ?"
        keep = "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)"  # one that was called off has left its own
        self._write([(keep, (_SCHEDULE + schedule_id, fact.decode())), (change, (settings, schedule_id))])

    def confirm_schedule(self, schedule_id: str) -> None:
        """Say that the other engine has a schedule; here it stays paused."""
        self._write([(_DELETE_FACT, (_SCHEDULE + schedule_id,))])

    def take_back_schedule(self, schedule_id: str, settings: bytes) -> None:
        """Undo a mark: the other engine has refused.

        Args:
            schedule_id: The schedule.
            settings: Its row as it was.
        """
        change = "UPDATE schedules SET settings = ? WHERE id = ?"
        self._write([(_DELETE_FACT, (_SCHEDULE + schedule_id,)), (change, (settings, schedule_id))])

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _facts(self, prefix: str) -> list[tuple[str, bytes]]:
        rows = self._query("SELECT name, value FROM facts WHERE name GLOB ? ORDER BY name", f"{prefix}*")
        return [(name.removeprefix(prefix), value.encode()) for name, value in rows]

    def _query(self, sql: str, *values: object) -> list[Any]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise JournalCorruptError.damaged(self.path, f"cannot be read ({error})") from error

    def _write(self, statements: Sequence[Statement]) -> None:
        write(self._connection, self.path, statements)


def _text(record: msgspec.Struct) -> str:
    return msgspec.json.encode(record).decode()


def is_open(row: RunRow) -> bool:
    """Tell whether a run has not ended."""
    return RunStatus(row.status).is_open
