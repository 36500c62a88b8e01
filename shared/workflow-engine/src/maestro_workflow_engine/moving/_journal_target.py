"""Another journal as the target of a move: what a family is made of is copied in one transaction, events as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

import msgspec

from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine.embedded import _attribute_rows as attribute_rows
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._journal import Statement
from maestro_workflow_engine.embedded._lock import JournalLock
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._schedule_rows import ScheduleChange
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.moving._departing_schedules import DepartingSchedule
from maestro_workflow_engine.moving._families import Member
from maestro_workflow_engine.moving._source import JournalSource
from maestro_workflow_engine.moving._target import RefusedError
from maestro_workflow_engine.moving._writing import write

_INSERT_RUN = (
    "INSERT INTO runs (key, id, workflow, version, status, created_us, parent_key, parent_seq, on_parent_close)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_EVENT = "INSERT INTO history (run, position, event) VALUES (?, ?, ?)"
_INSERT_PLACE = "INSERT INTO places (run, settings, begun) VALUES (?, ?, ?)"
_INSERT_FACT = "INSERT INTO facts (name, value) VALUES (?, ?)"


class JournalTarget:
    """A journal that nobody else has open, or that is not there yet: it is made with the first run. Use `opened`.

    Attributes:
        url: Its URL.
    """

    def __init__(self, path: str, source: JournalSource, payloads: PayloadOptions, stack: ExitStack) -> None:
        self.url = f"sqlite:///{quote(str(Path(path).absolute()))}"
        self._path = path
        self._source = source
        self._sealer = Sealer(payloads)
        self._stack = stack
        self._connection: sqlite3.Connection | None = None
        self._reader: JournalReader | None = None

    @classmethod
    @contextmanager
    def opened(cls, path: str, source: JournalSource, payloads: PayloadOptions) -> Iterator[Self]:
        """Lock and open it while the block runs.

        Args:
            path: The file.
            source: The journal that is moved from.
            payloads: How payloads are kept.

        Yields:
            The target.

        Raises:
            JournalLockedError: An engine has it open; names the process.
            JournalError: It cannot be opened.
        """
        with ExitStack() as stack:
            target = cls(path, source, payloads, stack)
            if Path(path).exists():
                target._open()
            yield target

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def judge(self, member: Member, *, is_first: bool, is_under_way: bool) -> None:
        """See `Target.judge`."""
        if self._source.reader.referring(member.row.key):
            member.reasons.append("it has payloads in the payload store, where they belong to its journal")
        if not is_under_way and self._reader is not None and self._reader.by_id(member.row.id) is not None:
            member.reasons.append(f"the other journal has a run of the id {member.row.id!r} already")
        if is_first and member.parent_id is not None:
            member.notes.append(f"it no longer knows the run that started it, {member.parent_id!r}")

    async def take(self, family: Member) -> None:
        """See `Target.take`."""
        reader, fact = self._open(), f"moved from {self._source.id} run {family.row.id}"
        if self._has(fact):
            return
        taken = [member.row.id for member in family.all() if reader.by_id(member.row.id) is not None]
        if taken:
            raise RefusedError(f"the other journal has a run of the id {taken[0]!r} already")
        statements: list[Statement] = [(_INSERT_FACT, (fact, family.row.created_us))]
        self._add(family, None, reader.last_key() + 1, statements)
        self._write(statements)

    def _add(self, member: Member, parent_key: int | None, key: int, statements: list[Statement]) -> int:
        """Add what makes a run and its children; returns the next key that is free."""
        row = member.row
        seq = None if parent_key is None else row.parent_seq
        about = (row.id, row.workflow, row.version, row.status, row.created_us)
        statements.append((_INSERT_RUN, (key, *about, parent_key, seq, row.on_parent_close)))
        events = self._source.kept_events(row.key, member.end)
        for position, news in enumerate(member.news, member.end):
            events.append((position, self._sealer.seal(row.id, position, news, {})))
        statements += [(_INSERT_EVENT, (key, position, event)) for position, event in events]
        statements += attribute_rows.made(key, attribute_rows.attributes_of(member.events))
        if member.place is not None:
            statements.append((_INSERT_PLACE, (key, member.place[0].encode(), member.place[1])))
        following = key + 1
        for child in member.children.values():
            following = self._add(child, key, following, statements)
        return following

    # ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────

    async def judge_schedule(self, schedule: DepartingSchedule, *, is_under_way: bool) -> tuple[list[str], list[str]]:
        """See `Target.judge_schedule`."""
        if is_under_way or self._reader is None or schedule.id not in self._schedule_ids():
            return [], []
        return [f"the other journal has a schedule of the id {schedule.id!r} already"], []

    async def take_schedule(self, schedule: DepartingSchedule) -> None:
        """See `Target.take_schedule`."""
        self._open()
        fact = f"moved from {self._source.id} schedule {schedule.id}"
        if self._has(fact):
            return
        if schedule.id in self._schedule_ids():
            raise RefusedError(f"the other journal has a schedule of the id {schedule.id!r} already")
        settings = msgspec.structs.replace(schedule.settings, moved_to=None)
        change = ScheduleChange(schedule.id, settings, schedule.progress)
        self._write([(_INSERT_FACT, (fact, settings.created_us)), change.statement()])

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> JournalReader:
        if self._reader is None:
            lock = JournalLock(self._path)
            lock.acquire()
            self._stack.callback(lock.release)
            self._connection = _schema.connect(self._path)
            self._stack.callback(self._connection.close)
            self._reader = JournalReader(self._path, self._sealer, {})
            self._stack.callback(self._reader.close)
        return self._reader

    def _schedule_ids(self) -> set[str]:
        return set() if self._reader is None else {schedule_id for schedule_id, _, _ in self._reader.schedules()}

    def _has(self, fact: str) -> bool:
        assert self._connection is not None
        return bool(self._connection.execute("SELECT 1 FROM facts WHERE name = ?", (fact,)).fetchall())

    def _write(self, statements: Sequence[Statement]) -> None:
        assert self._connection is not None
        write(self._connection, self._path, statements)
