"""One place where workers die: its journal, its record, and whether both tell the same story."""

from __future__ import annotations

import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fault_load.kinds import KINDS
from fault_load.nursery_client import Nursery, Worker
from fault_load.record import Line, read_lines
from fault_load.worker import Orders

_ENDED = ("completed", "failed", "cancelled", "terminated")


class Site:
    """A folder in which workers run one after the other.

    Args:
        folder: Holds the record.
        nursery: Where workers come from.
        journal: The journal's file. Default: beside the record.
    """

    def __init__(self, folder: Path, nursery: Nursery, journal: Path | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.journal = journal or folder / "journal.db"
        self.done: set[str] = set()
        self._nursery = nursery
        self._seen_bytes = 0

    def begin(self, **orders: object) -> Worker:
        """Let a worker begin."""
        return self._nursery.fork(Orders(str(self.folder), str(self.journal), **orders))  # type: ignore[arg-type]

    def lines(self) -> list[Line]:
        """Return the whole record."""
        return read_lines(self.folder / "record")

    def output(self) -> str:
        """Return what the workers have printed."""
        return (self.folder / "output").read_text()

    def check_nothing_ran_again(self) -> int:
        """Check what was done since the last call: no step ran whose completion was on disk by then.

        Returns:
            How many steps have left a trace since.
        """
        new = read_lines(self.folder / "record", self._seen_bytes)
        self._seen_bytes = (self.folder / "record").stat().st_size if (self.folder / "record").exists() else 0
        keys = [line.facts["key"] for line in new if line.what == "step"]
        assert not self.done.intersection(keys), self.done.intersection(keys)
        if self.journal.exists():
            with self.copy() as connection:
                self.done |= _completed(connection)
        return len(keys)

    def finish(self, **orders: object) -> None:
        """Let a last worker end all that was begun, and check everything."""
        worker = self.begin(finishing=True, **orders)
        assert worker.wait() == 0, self.output()[-4000:]
        self.check_nothing_ran_again()
        self.check()

    def check(self) -> None:
        """Check that everything acknowledged is there, exactly once, and that every run ended as it should."""
        lines = self.lines()
        check_knowledge(lines)
        check_ends(lines)
        with self.copy() as connection:
            _check_journal(connection, {line.run for line in lines if line.what == "started"})

    @contextmanager
    def copy(self) -> Iterator[sqlite3.Connection]:
        """Open a copy of the journal: reading the file itself would mend what the dead process left to the next one."""
        with TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                if (part := self.journal.with_name(f"{self.journal.name}{suffix}")).exists():
                    shutil.copyfile(part, Path(folder) / f"copy.db{suffix}")
            with closing(sqlite3.connect(Path(folder) / "copy.db")) as connection:
                yield connection


def _completed(connection: sqlite3.Connection) -> set[str]:
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return set()  # it was killed before it had made its tables
    rows = connection.execute(
        "SELECT r.id || '/' || json_extract(h.event, '$.seq') FROM history h JOIN runs r ON r.key = h.run"
        " WHERE json_extract(h.event, '$.type') = 'step_completed'"
    )
    return {key for (key,) in rows}


def check_ends(lines: list[Line]) -> None:
    """Every run that was begun has ended, as its kind demands, and gives the same end whenever it is asked."""
    assert [line for line in lines if line.what == "fault"] == []
    by_run: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_run[line.run].append(line)
    kinds = {kind.name: kind for kind in KINDS}
    for run, its in by_run.items():
        if any(line.what == "begun" for line in its):
            outcomes = [line.facts["outcome"] for line in its if line.what == "ended"]
            assert outcomes, f"{run} has not ended"
            assert all(outcome == outcomes[0] for outcome in outcomes), (run, outcomes)
            kinds[run.partition("-")[0]].check(its, outcomes[0])


def check_knowledge(lines: list[Line]) -> None:
    """A step whose result a workflow has used does not leave another trace: the record alone shows it."""
    known: set[str] = set()
    for line in lines:
        if line.what == "step":
            assert line.facts["key"] not in known, line
            known.update(line.facts["knows"])


def _check_journal(connection: sqlite3.Connection, started: set[str]) -> None:
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    rows = connection.execute("SELECT id, status FROM runs").fetchall()
    statuses = dict(rows)
    assert len(statuses) == len(rows)
    runs = {run for run in started if not run.startswith("scheduled-")}  # that is the name of a schedule
    assert runs <= statuses.keys(), runs - statuses.keys()
    assert {run: status for run, status in statuses.items() if status not in _ENDED} == {}
    doubled = connection.execute(
        "SELECT run, json_extract(event, '$.seq') AS seq, count(*) AS found FROM history"
        " WHERE json_extract(event, '$.type') IN ('step_completed', 'timer_fired', 'child_completed')"
        " GROUP BY run, seq HAVING found > 1"
    ).fetchall()
    assert doubled == []
    answered = connection.execute(
        "SELECT run, json_extract(event, '$.update_id') AS id, count(*) AS found FROM history"
        " WHERE json_extract(event, '$.type') = 'update_answered' GROUP BY run, id HAVING found > 1"
    ).fetchall()
    assert answered == []
