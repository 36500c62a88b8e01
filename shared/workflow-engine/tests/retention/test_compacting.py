"""Compacting a closed journal: the new file takes the old one's place as a whole, or nothing has happened."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    JournalCorruptError,
    JournalError,
    JournalLockedError,
    JournalVersionError,
    WorkflowEngine,
    check_journal,
    compact_journal,
    receive,
    rescue_journal,
    workflow,
)
from maestro_workflow_engine.embedded import _compacting, _schema

SOON = timedelta(seconds=20)


@workflow
async def waits(text: str) -> str:
    return text[:3] + str(await receive("go"))


def url(path: Path) -> str:
    return f"sqlite:///{path}"


async def old_journal(path: Path) -> None:
    """A journal of a release whose files could not shrink: much was deleted in it, one run is under way."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(_schema._SCHEMA)
    async with WorkflowEngine(url(path), workflows=[waits]) as engine:
        for n in range(100):
            await engine.start(waits, "x" * 5_000, id=f"r{n}")
        await asyncio.gather(*(engine.handle(f"r{n}").terminate() for n in range(99)))
        await engine.purge(older_than=timedelta(0))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return found


async def test_a_compacted_journal_is_small_sound_and_shrinks_from_then_on(tmp_path: Path):
    """Its runs go on, its version and mode are as they were, nothing is left beside it."""
    path = tmp_path / "journal.db"
    await old_journal(path)
    path.chmod(0o640)
    assert pragma(path, "auto_vacuum") == 0
    report = compact_journal(path)
    assert report.before_bytes > 500_000
    assert report.after_bytes == path.stat().st_size < 150_000
    assert files(tmp_path) == {"journal.db", "journal.db.lock"}
    assert path.stat().st_mode & 0o777 == 0o640
    assert (pragma(path, "auto_vacuum"), pragma(path, "user_version")) == (2, _schema.FORMAT_VERSION)
    assert check_journal(path).is_sound
    async with WorkflowEngine(url(path), workflows=[waits]) as engine:
        await engine.handle("r99").signal("go", "!")
        assert await engine.handle("r99").result(SOON) == "xxx!"


async def test_commits_that_are_only_in_the_log_are_taken_along(tmp_path: Path):
    """A process that was killed leaves its last commits in the log; they are in the new file, and the log is gone."""
    path = tmp_path / "journal.db"
    code = textwrap.dedent(
        """
        import os, signal, sys
        from maestro_workflow_engine.embedded import _schema
        connection = _schema.connect(sys.argv[1])
        connection.execute("INSERT INTO runs (key, id, workflow, version, status, created_us) VALUES (1, 'r', 'w', '1', 'running', 1)")
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, str(path)], check=False)
    assert "journal.db-wal" in files(tmp_path)
    compact_journal(path)
    assert files(tmp_path) == {"journal.db", "journal.db.lock"}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id FROM runs").fetchall() == [("r",)]


async def test_an_open_a_foreign_a_newer_and_a_damaged_journal_are_refused_and_stay(tmp_path: Path):
    """Each is named, and not a byte of it is changed."""
    path = tmp_path / "journal.db"
    async with WorkflowEngine(url(path), workflows=[waits]):
        with pytest.raises(JournalLockedError) as locked:
            compact_journal(path)
        assert locked.value.pid == os.getpid()
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    await old_journal(tmp_path / "newer.db")
    await old_journal(tmp_path / "damaged.db")
    with closing(sqlite3.connect(tmp_path / "newer.db")) as connection:
        connection.execute(f"PRAGMA user_version = {_schema.FORMAT_VERSION + 1}")
    content = bytearray((tmp_path / "damaged.db").read_bytes())
    content[3 * 4096 : 9 * 4096] = b"\xff" * (6 * 4096)
    (tmp_path / "damaged.db").write_bytes(content)
    (tmp_path / "no.db").write_bytes(b"something else " * 1000)
    for name, expected in (
        ("foreign.db", JournalCorruptError),
        ("newer.db", JournalVersionError),
        ("damaged.db", JournalCorruptError),
        ("no.db", JournalCorruptError),
    ):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(expected):
            compact_journal(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    assert not [name for name in files(tmp_path) if name.endswith(".compact")]
    with pytest.raises(JournalError, match="there is no journal"):
        compact_journal(tmp_path / "nowhere.db")
    assert "nowhere.db" not in files(tmp_path)


async def test_no_room_for_the_new_file_leaves_the_old_one(tmp_path: Path):
    """The error says how much room is needed; nothing half written stays. A limit on the size of files stands for a full disk."""
    path = tmp_path / "journal.db"
    await old_journal(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE heavy (x)")
        connection.execute("INSERT INTO heavy VALUES (zeroblob(900000))")
        connection.commit()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT * FROM runs").fetchall()
    code = textwrap.dedent(
        """
        import resource, signal, sys
        from maestro_workflow_engine import JournalError, compact_journal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        try:
            compact_journal(sys.argv[1])
        except JournalError as error:
            print(error)
        """
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    )
    assert "there must be room for up to" in done.stdout
    assert not [name for name in files(tmp_path) if name.endswith(".compact")]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM runs").fetchall() == rows


async def test_a_kill_before_the_move_leaves_the_old_journal_and_the_next_try_succeeds(tmp_path: Path):
    """What a dead attempt left beside the journal is no obstacle and is never taken for it."""
    path = tmp_path / "journal.db"
    await old_journal(path)
    code = (
        "import sys\nfrom maestro_workflow_engine import compact_journal\n"
        "from maestro_workflow_engine.embedded import _crash_points\n"
        "_crash_points.arm(_crash_points.COMPACTED, 1)\ncompact_journal(sys.argv[1])"
    )
    size = path.stat().st_size
    died = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(path)], check=False, capture_output=True
    )
    assert died.returncode < 0, died.stderr
    assert path.stat().st_size == size
    assert "journal.db.compact" in files(tmp_path)
    async with WorkflowEngine(url(path), workflows=[waits]) as engine:
        assert [run.id for run in (await engine.runs()).runs] == ["r99"]
    assert compact_journal(path).after_bytes < size
    assert files(tmp_path) == {"journal.db", "journal.db.lock"}


async def test_a_copy_that_does_not_match_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The new file is checked against the old one before it takes its place."""
    path = tmp_path / "journal.db"
    await old_journal(path)
    before = sorted(dump(path))
    write = _compacting._write_anew

    def loses_a_row(old: Path, fresh: Path) -> None:
        write(old, fresh)
        with closing(sqlite3.connect(fresh)) as connection, connection:
            connection.execute("DELETE FROM runs")

    monkeypatch.setattr(_compacting, "_write_anew", loses_a_row)
    with pytest.raises(JournalError, match="not as it should be"):
        compact_journal(path)
    assert sorted(dump(path)) == before


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


async def test_a_compacted_journal_whose_first_page_is_lost_is_rescued(tmp_path: Path):
    """Its tables stand in other places than a new journal's; the rescue knows both."""
    path = tmp_path / "journal.db"
    await old_journal(path)
    compact_journal(path)
    content = bytearray(path.read_bytes())
    content[:4096] = bytes(4096)
    path.write_bytes(content)
    with rescue_journal(path) as rescue:
        documents = list(rescue.runs())
    assert [document["run_id"] for document in documents] == ["r99"]
    assert [event["event"]["type"] for event in documents[0]["events"]] == ["run_started"]
    assert documents[0]["complete"]
