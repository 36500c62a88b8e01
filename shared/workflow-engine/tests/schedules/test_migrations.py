from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from maestro_workflow_engine import CronSpec, JournalError, JournalVersionError, WorkflowEngine, receive, workflow
from maestro_workflow_engine.embedded import _migrations, _schema
from maestro_workflow_engine.embedded._schedule_rows import (
    Cron,
    Interval,
    Progress,
    ScheduleChange,
    Settings,
    decode_progress,
    decode_settings,
)

SOON = timedelta(seconds=20)


@workflow
async def waits() -> str:
    return str(await receive("go"))


async def old_journal(path: Path) -> None:
    """A journal as the first release left it, with a run under way."""
    today = path.with_suffix(".today")
    async with WorkflowEngine(f"sqlite:///{today}", workflows=[waits]) as engine:
        await engine.start(waits, id="old")
    connection = sqlite3.connect(path)
    connection.executescript(_schema._SCHEMA)
    connection.execute("ATTACH ? AS today", (str(today),))
    for table in ("runs", "history"):
        columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
        connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM today.{table}")
    connection.commit()
    connection.close()


def state(path: Path) -> tuple[int, set[str]]:
    connection = sqlite3.connect(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return version, tables


async def test_an_old_journal_is_migrated_when_it_is_opened_and_its_runs_go_on(tmp_path: Path):
    """Format 1 becomes today's, nothing is lost, and schedules can be made in it."""
    path = tmp_path / "journal.db"
    await old_journal(path)
    assert state(path) == (1, {"runs", "history"})
    async with WorkflowEngine(f"sqlite:///{path}", workflows=[waits]) as engine:
        await engine.schedule("s", waits, spec=CronSpec("@yearly"))
        await engine.handle("old").signal("go", "went")
        assert await engine.handle("old").result(SOON) == "went"
    assert state(path)[0] == _schema.FORMAT_VERSION
    async with WorkflowEngine(f"sqlite:///{path}", workflows=[waits]) as engine:
        assert [info.id for info in await engine.schedules()] == ["s"]


async def test_a_new_journal_and_a_migrated_one_have_the_same_shape(tmp_path: Path):
    """There is one way to today's format, whatever the file was before."""
    await old_journal(tmp_path / "old.db")
    shapes = []
    for name in ("old.db", "new.db"):
        async with WorkflowEngine(f"sqlite:///{tmp_path / name}", workflows=[waits]):
            pass
        with sqlite3.connect(tmp_path / name) as connection:
            shapes.append(set(connection.execute("SELECT type, name, sql FROM sqlite_master")))
        connection.close()
    assert shapes[0] == shapes[1]


async def test_a_migration_that_fails_leaves_the_old_journal_as_it_was(tmp_path: Path, monkeypatch):
    """All steps are one transaction: a full disk in the middle changes nothing."""
    path = tmp_path / "journal.db"
    await old_journal(path)
    broken = (*_migrations._STEPS, ("CREATE TABLE half (x)", "INSERT INTO nowhere VALUES (1)"))
    monkeypatch.setattr(_migrations, "_STEPS", broken)
    monkeypatch.setattr(_migrations, "LATEST_VERSION", _migrations.LATEST_VERSION + 1)
    with pytest.raises(JournalError):
        await WorkflowEngine(f"sqlite:///{path}").__aenter__()
    assert state(path) == (1, {"runs", "history"})
    monkeypatch.undo()
    async with WorkflowEngine(f"sqlite:///{path}", workflows=[waits]) as engine:
        assert [run.id for run in (await engine.runs()).runs] == ["old"]


async def test_the_next_format_is_refused_and_left_alone(tmp_path: Path):
    """A journal of a newer release is not guessed at."""
    path = tmp_path / "journal.db"
    async with WorkflowEngine(f"sqlite:///{path}"):
        pass
    newer = _schema.FORMAT_VERSION + 1
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = path.read_bytes()
    with pytest.raises(JournalVersionError) as caught:
        await WorkflowEngine(f"sqlite:///{path}").__aenter__()
    assert (caught.value.found, caught.value.supported) == (newer, _schema.FORMAT_VERSION)
    assert path.read_bytes() == content


def test_the_rows_of_a_schedule_are_golden():
    """The bytes on disk are pinned: what is written today is read by every later release."""
    raw = msgspec.Raw(b'{"a":1}')
    cron = Settings(
        workflow="w",
        version="1.0.0",
        input=raw,
        spec=Cron("0 3 * * *", "Europe/Berlin"),
        overlap="skip",
        catch_up_us=4,
        jitter_us=5,
        created_us=6,
        since_us=7,
        paused=True,
        note="n",
    )
    interval = Settings(
        workflow="w", input=raw, spec=Interval(2, 1), overlap="allow", catch_up_us=4, created_us=6, since_us=7
    )
    progress = Progress(done_us=1, missed=2, skipped=3, buffered_us=4, active=("r",), recent=((5, "r"),))
    golden_settings = [
        (
            cron,
            b'{"workflow":"w","version":"1.0.0","input":{"a":1},"spec":{"type":"cron","expression":"0 3 * * *",'
            b'"zone":"Europe/Berlin"},"overlap":"skip","catch_up_us":4,"jitter_us":5,"created_us":6,"since_us":7,'
            b'"paused":true,"note":"n"}',
        ),
        (
            interval,
            b'{"workflow":"w","input":{"a":1},"spec":{"type":"interval","every_us":2,"offset_us":1},'
            b'"overlap":"allow","catch_up_us":4,"created_us":6,"since_us":7}',
        ),
    ]
    for settings, expected in golden_settings:
        assert ScheduleChange("s", settings=settings).statement()[1] == (expected, "s")
        assert decode_settings(expected) == settings
    written = b'{"done_us":1,"missed":2,"skipped":3,"buffered_us":4,"active":["r"],"recent":[[5,"r"]]}'
    assert ScheduleChange("s", progress=progress).statement()[1] == (written, "s")
    assert decode_progress(written) == progress
    assert ScheduleChange("s").statement()[0].startswith("DELETE")
