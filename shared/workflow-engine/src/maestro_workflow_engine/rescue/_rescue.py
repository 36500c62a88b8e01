"""Getting runs out of a damaged journal."""

from __future__ import annotations

import heapq
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from maestro_workflow_engine._errors import JournalError
from maestro_workflow_engine._history_document import HistoryDocument, PlacedEvent
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._sealing import MARK
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.rescue._copy import copy_journal, open_copy
from maestro_workflow_engine.rescue._log import lost_commits
from maestro_workflow_engine.rescue._pages import ScatteredRows
from maestro_workflow_engine.rescue._reading import DamagedTables
from maestro_workflow_engine.rescue._report import JournalLoss, JournalReport

_MOST_FINDINGS = 20
_FIRST = frozenset({"run_started", "run_continued"})
_LAST = frozenset(ev.kind_of(kind) for kind in ev.TERMINAL)


class _EventHead(msgspec.Struct, frozen=True):
    type: str
    time: int


class JournalRescue:
    """What can be read of a journal; made by `rescue_journal`.

    Attributes:
        report: What was found so far; complete once `runs` has been read to its end.
    """

    def __init__(self, tables: DamagedTables, copy: Path, report: JournalReport) -> None:
        self.report = report
        self._tables = tables
        self._copy = copy
        self._scattered: ScatteredRows | None = None
        self._seen: set[str] = set()

    def runs(self) -> Iterator[dict[str, Any]]:
        """Yield each run that can be read, as a document like that of `handle.export_history()`.

        Where events were lost its `complete` is False; where only the row of the run was lost its `workflow` and `version`
        are None. Filled in by hand, such a document can be imported.
        """
        known = self._tables.keys("runs", partial(self._broken, "runs"))
        told = self._tables.keys("history", partial(self._broken, "history"))
        done: set[int] = set()
        for key in heapq.merge(known, told):
            if key not in done:
                done.add(key)
                yield self._run(key).as_json()
        if not self.report.is_sound:
            for key in sorted(self._pages().keys() - done):
                yield self._run(key).as_json()

    def close(self) -> None:
        """Let the copy go."""
        if self._scattered is not None:
            self._scattered.close()

    def _run(self, key: int) -> HistoryDocument:
        row = self._row(key)
        run_id = str(row["id"]) if row else self._pages().ids.get(key, f"lost-{key}")
        if not row:
            self._lost("its row cannot be read; its workflow and version are not known", run_id)
        if run_id in self._seen:
            self._lost("its id is that of another run; it is given a number behind it", run_id)
            run_id = f"{run_id}~{key}"
        self._seen.add(run_id)
        before = len(self.report.losses)
        events = self._events(key, run_id)
        kinds = [_kind(placed.event) for placed in events[:1] + events[-1:]]
        if not events:
            self._lost("its whole history is lost", run_id)
        elif kinds[0] not in _FIRST:
            self._lost("the beginning of its history is lost", run_id)
        elif row and f"run_{row['status']}" in _LAST and kinds[-1] not in _LAST:
            self._lost("the end of its history is lost", run_id)
        self.report.runs += 1
        self.report.events += len(events)
        parent = {} if row.get("parent_key") is None else self._row(row["parent_key"])
        return HistoryDocument(
            run_id=run_id,
            workflow=row.get("workflow"),
            version=row.get("version"),
            parent_id=parent.get("id"),
            complete=len(self.report.losses) == before and row.get("history_purged_us") is None,
            sealed=True if any(MARK in bytes(placed.event) for placed in events) else msgspec.UNSET,
            events=events,
        )

    def _row(self, key: int) -> dict[str, Any]:
        row = self._tables.run(key)
        if row is None or _is_garbled(row):
            row = self._pages().runs.get(key, {})
        return {} if _is_garbled(row) else row

    def _events(self, key: int, run_id: str) -> list[PlacedEvent]:
        rows = self._tables.events(key)
        is_whole = rows is not None
        if rows is None:
            rows = self._pages().events(key)
        events = []
        for position, raw in rows:
            fault = self._fault(raw)
            if fault is None:
                events.append(PlacedEvent(position, msgspec.Raw(raw)))
            else:
                self._lost(f"its event at position {position} cannot be read: {fault}", run_id)
        if not is_whole or self.report.findings:  # in a sound file, a hole is where a full disk refused a write
            for one, following in itertools.pairwise(position for position, _ in rows):
                if following - one > 1:
                    self._lost(f"its events from position {one + 1} to {following - 1} are lost", run_id)
        if events and not is_whole and _kind(events[-1].event) not in _LAST:
            last = events[-1].position
            if self._tables.last_position(key) != last:
                self._lost(f"its events after position {last} are lost, if there were any", run_id)
        return events

    def _fault(self, raw: object) -> str | None:
        if not isinstance(raw, bytes) or not raw:
            return "it is on a damaged page"
        try:
            # Kinds of events that this release does not know, and sealed payloads, are kept as they are.
            if self.report.is_newer or MARK in raw:
                msgspec.json.decode(raw, type=_EventHead)
            else:
                ev.decode_event(raw)
            msgspec.json.decode(raw)  # payloads inside are not looked into by the above
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return str(error)
        return None

    def _pages(self) -> ScatteredRows:
        if self._scattered is None:
            self._scattered = ScatteredRows(self._copy)
        return self._scattered

    def _broken(self, table: str, error: Exception) -> None:
        self._lost(f"table {table} has pages that cannot be read ({error}); what was on them alone is lost")

    def _lost(self, what: str, run_id: str | None = None) -> None:
        self.report.losses.append(JournalLoss(what, run_id))


@contextmanager
def rescue_journal(path: Path | str) -> Iterator[JournalRescue]:
    """Open a journal, damaged or not, to get runs out of it. Nothing is written to it or beside it.

    A private copy in the folder for temporary files is read, together with the write-ahead log; there must be room for it.

    Args:
        path: The journal's file.

    Yields:
        What can be read.

    Raises:
        JournalLockedError: An engine has it open.
        JournalCorruptError: It is no journal, or nothing is left of it.
        JournalError: It cannot be read, or there is no room for the copy.
    """
    path = Path(path)
    if not path.is_file():
        raise JournalError(path, f"there is no journal {path}")
    report = JournalReport(path=str(path))
    with tempfile.TemporaryDirectory(prefix="maestro-rescue-") as folder:
        copy = copy_journal(path, Path(folder))
        fault = lost_commits(copy.with_name(f"{copy.name}-wal"))
        if fault is not None:
            report.losses.append(JournalLoss(fault))
        missing = _schema.cut_off(str(copy))
        if missing is not None:
            report.findings.append(f"the file {missing}")
        with closing(open_copy(copy, path, report.findings)) as connection:
            tables = DamagedTables(connection)
            report.format_version = tables.number("user_version")
            report.is_newer = (report.format_version or 0) > _schema.FORMAT_VERSION
            report.findings += tables.findings(_MOST_FINDINGS)
            with closing(JournalRescue(tables, copy, report)) as rescue:
                yield rescue


def check_journal(path: Path | str) -> JournalReport:
    """Read everything in a journal and tell what is damaged. Nothing is written to it or beside it.

    Args:
        path: The journal's file.

    Returns:
        What was found.

    Raises:
        JournalLockedError: An engine has it open.
        JournalCorruptError: It is no journal, or nothing is left of it.
        JournalError: It cannot be read, or there is no room for a copy of it.
    """
    with rescue_journal(path) as rescue:
        for _ in rescue.runs():
            pass
        return rescue.report


def _is_garbled(row: dict[str, Any]) -> bool:
    texts = [row.get(column) for column in ("id", "workflow", "version", "status")]
    return any(not isinstance(text, str) or not text or "\ufffd" in text for text in texts)


def _kind(event: msgspec.Raw) -> str:
    return msgspec.json.decode(event, type=_EventHead).type
