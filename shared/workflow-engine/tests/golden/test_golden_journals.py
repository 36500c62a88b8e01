"""A journal of every format there has been is opened by today's engine, migrated, read the same, and its runs go on."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import golden_workflows as golden
import golden_writing
import pytest

from maestro_workflow_engine import (
    JournalError,
    JournalVersionError,
    RunStatus,
    TimeSkippingEngine,
    WorkflowEngine,
    check_journal,
)
from maestro_workflow_engine.embedded import _migrations, _schema

FOLDER = Path(__file__).parent
NEXT = FOLDER / "journal-next.sql"
JOURNALS = sorted(FOLDER.glob("journal-*.sql"))
LATER = datetime(2030, 2, 1, tzinfo=UTC)
SOON = timedelta(days=1)


def version_of(text: Path) -> int:
    """The number in the file's name; `next` is the format that is not released yet, or the latest when nothing has changed."""
    found = re.fullmatch(r"journal-v(\d+)", text.stem)
    return int(found[1]) if found else _schema.FORMAT_VERSION


def restored(text: Path, path: Path) -> Path:
    """Make the journal's file of its text."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN;\n{text.read_text()}COMMIT;")
        connection.execute(f"PRAGMA user_version = {version_of(text)}")
    return path


def engine(path: Path, **options: Any) -> TimeSkippingEngine:
    return WorkflowEngine.test(golden.ALL, url=f"sqlite:///{path}", start_time=LATER, **options)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


async def test_todays_engine_writes_the_golden_journal(tmp_path: Path):
    """The same workflows at the same times leave the same rows and the same schema, byte for byte."""
    await golden_writing.make(tmp_path / "journal.db")
    written = "".join(f"{line}\n" for line in golden_writing.dump(tmp_path / "journal.db"))
    assert written == NEXT.read_text(), (
        "the format has changed. If that is meant: add a migration step (docs in _migrations.py), "
        "and write the new golden journal with `python golden_writing.py > journal-next.sql`"
    )


def test_every_format_has_a_golden_journal():
    """The formats that were released have one each; the one in the making has `next`."""
    formats = {version_of(text) for text in JOURNALS}
    assert formats >= {1, 2, _schema.FORMAT_VERSION}
    assert max(formats) == _schema.FORMAT_VERSION


@pytest.mark.parametrize("text", JOURNALS, ids=lambda text: text.stem)
async def test_a_journal_of_any_format_is_migrated_and_reads_the_same(tmp_path: Path, text: Path):
    """Not an event is touched, the schema is that of a new journal, and every run says what it said."""
    path = restored(text, tmp_path / "journal.db")
    events = "SELECT run, position, event FROM history ORDER BY run, position"
    before = rows(path, events)
    async with engine(path):
        pass
    assert rows(path, events) == before
    assert rows(path, "PRAGMA user_version") == [(_schema.FORMAT_VERSION,)]
    async with engine(tmp_path / "new.db"):
        pass
    shape = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    assert rows(path, shape) == rows(tmp_path / "new.db", shape)
    assert check_journal(path).is_sound
    async with engine(path) as e:
        status = {run.id: run.status for run in (await e.runs()).runs}
        assert len(status) == 13
        assert {run_id for run_id, found in status.items() if found.is_open} == {
            "order-1",
            "paused-1",
            "continued-1",
            "waiting-1",
        }
        assert await e.handle("order-1").query("item") == "bolt"
        assert (await e.handle("failed-1").status()).failure is not None
        assert await e.handle("parent-1").result() == ["broken on the shelf", "cancelled"]
        assert status["terminated-1"] is RunStatus.TERMINATED


@pytest.mark.parametrize("text", JOURNALS, ids=lambda text: text.stem)
async def test_the_open_runs_of_a_journal_of_any_format_go_on(tmp_path: Path, text: Path):
    """What waited is answered, what was paused resumes, what failed is retried, and schedules fire."""
    async with engine(restored(text, tmp_path / "journal.db")) as e:
        await e.handle("order-1").update("note", "still there?", id="update-2")
        await e.handle("order-1").signal("approval", {"by": "Ada"})
        expected = ["paid 1250", "picked bolt", ["in a hurry", "still there?"], {"by": "Ada"}]
        assert await e.handle("order-1").result(SOON) == expected
        await e.handle("paused-1").resume()
        assert await e.handle("paused-1").result(SOON) == "1 at last"
        await e.handle("continued-1").signal("go", "on")
        assert await e.handle("continued-1").result(SOON) == "2 on"
        await e.handle("waiting-1").signal("go", "now")
        assert await e.handle("waiting-1").result(SOON) == "1 now"
        schedules = [info.id for info in await e.schedules()]
        assert schedules == ([] if version_of(text) == 1 else ["often", "yearly"])
    async with engine(tmp_path / "journal.db", steps={golden.ship: lambda place: f"on {place}"}) as e:
        await e.handle("failed-1").retry()
        assert await e.handle("failed-1").result(SOON) == "on Mars"


@pytest.mark.parametrize("text", JOURNALS, ids=lambda text: text.stem)
async def test_a_migration_finds_the_stored_payloads_that_events_refer_to(tmp_path: Path, text: Path):
    """What an older release stored is not taken for garbage."""
    path = restored(text, tmp_path / "journal.db")
    async with engine(path):
        pass
    found = rows(path, "SELECT id, position, sha256 FROM payload_refs JOIN runs ON key = run")
    assert found == [("completed-1", 1, "5f" * 32)]


def files(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.mark.parametrize("text", JOURNALS, ids=lambda text: text.stem)
async def test_a_newer_journal_is_refused_and_stays_as_it_is(tmp_path: Path, text: Path):
    """A release that does not know a format does not write to it, not a byte."""
    path = restored(text, tmp_path / "journal.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {_schema.FORMAT_VERSION + 1}")
    content = path.read_bytes()
    with pytest.raises(JournalVersionError) as caught:
        await engine(path).__aenter__()
    assert (caught.value.found, caught.value.supported) == (_schema.FORMAT_VERSION + 1, _schema.FORMAT_VERSION)
    assert path.read_bytes() == content
    assert files(tmp_path) == {"journal.db", "journal.db.lock"}


DIES = textwrap.dedent(
    """
    import sys
    from maestro_workflow_engine.embedded import _crash_points, _schema
    _crash_points.arm(_crash_points.MIGRATING, int(sys.argv[2]))
    _schema.connect(sys.argv[1]).close()
    """
)


def test_a_kill_in_the_middle_of_a_migration_leaves_the_old_journal_whole(tmp_path: Path):
    """Whichever statement it has come to, the file is of the old format as a whole, and the next opening migrates it."""
    statements = sum(len(step) for step in _migrations._STEPS)
    for hits in (1, statements // 2, statements):
        path = restored(FOLDER / "journal-v1.sql", tmp_path / f"{hits}.db")
        before = list(golden_writing.dump(path))
        died = subprocess.run([sys.executable, "-c", DIES, str(path), str(hits)], check=False, capture_output=True)
        assert died.returncode < 0, died.stderr
        assert list(golden_writing.dump(path)) == before
        assert rows(path, "PRAGMA user_version") == [(1,)]
        _schema.connect(str(path)).close()
        assert rows(path, "PRAGMA user_version") == [(_schema.FORMAT_VERSION,)]


async def test_a_migration_that_fails_leaves_the_old_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All steps are one transaction: an error in the middle, such as a full disk, changes nothing."""
    path = restored(FOLDER / "journal-v1.sql", tmp_path / "journal.db")
    before = list(golden_writing.dump(path))
    broken = (*_migrations._STEPS, ("CREATE TABLE half (x)", "INSERT INTO nowhere VALUES (1)"))
    monkeypatch.setattr(_migrations, "_STEPS", broken)
    monkeypatch.setattr(_migrations, "LATEST_VERSION", _migrations.LATEST_VERSION + 1)
    with pytest.raises(JournalError):
        await engine(path).__aenter__()
    assert list(golden_writing.dump(path)) == before
    monkeypatch.undo()
    async with engine(path) as e:
        assert len((await e.runs()).runs) == 13
