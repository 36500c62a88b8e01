"""Copies of a journal whose engine runs: which are whole, and which are not."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import RunStatus, WorkflowEngine, check_journal, receive, step, workflow

SOON = timedelta(seconds=30)


@step
async def pack(order: int) -> str:
    return f"parcel {order}"


@workflow
async def fulfil(order: int) -> str:
    return await pack(order) + str(await receive("address"))


def vacuumed(journal: Path, copy: Path) -> None:
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))


def backed_up(journal: Path, copy: Path) -> None:
    with closing(sqlite3.connect(journal)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


@pytest.mark.parametrize("back_up", [vacuumed, backed_up])
async def test_a_copy_made_by_sqlite_while_the_engine_works_is_one_moment_of_the_journal(
    tmp_path: Path, back_up: Callable[[Path, Path], None]
):
    """The copy is sound, every run acknowledged before it is in it, and they go on from there elsewhere."""
    journal = tmp_path / "journal.db"
    copies = [tmp_path / f"copy-{number}.db" for number in range(3)]
    acknowledged: list[list[str]] = []
    started: list[str] = []
    stop = asyncio.Event()
    async with WorkflowEngine(f"sqlite:///{journal}", workflows=[fulfil]) as engine:

        async def order_without_end() -> None:
            while not stop.is_set():
                handle = await engine.start(fulfil, len(started), id=f"order-{len(started)}")
                started.append(handle.id)

        ordering = asyncio.create_task(order_without_end())
        for copy in copies:
            wanted = len(started) + 50
            while len(started) < wanted:
                await asyncio.sleep(0.001)
            acknowledged.append(list(started))
            await asyncio.to_thread(back_up, journal, copy)
        stop.set()
        await ordering

    for copy, there in zip(copies, acknowledged, strict=True):
        assert check_journal(copy).is_sound
        async with WorkflowEngine(f"sqlite:///{copy}", workflows=[fulfil]) as engine:
            for run_id in there:
                handle = engine.handle(run_id)
                assert (await handle.status()).status is RunStatus.RUNNING
            await engine.handle(there[-1]).signal("address", " to Ada")
            assert await engine.handle(there[-1]).result(SOON) == f"parcel {len(there) - 1} to Ada"


async def test_a_copy_of_the_bare_file_lacks_what_was_acknowledged(tmp_path: Path):
    """While the engine runs, the file without its log is older than what was promised: do not copy it."""
    journal, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    async with WorkflowEngine(f"sqlite:///{journal}", workflows=[fulfil]) as engine:
        await engine.start(fulfil, 17, id="order-17")
        shutil.copy(journal, copy)
    with closing(sqlite3.connect(copy)) as bare:
        tables = [name for (name,) in bare.execute("SELECT name FROM sqlite_master WHERE name = 'runs'")]
        runs = bare.execute("SELECT count(*) FROM runs").fetchone()[0] if tables else 0
    assert runs == 0


async def test_the_file_of_a_closed_engine_is_whole_by_itself(tmp_path: Path):
    """Closing brings the log into the file, which can then be copied like any other."""
    journal, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    async with WorkflowEngine(f"sqlite:///{journal}", workflows=[fulfil]) as engine:
        await engine.start(fulfil, 17, id="order-17")
    assert not (tmp_path / "journal.db-wal").exists()
    shutil.copy(journal, copy)
    async with WorkflowEngine(f"sqlite:///{copy}", workflows=[fulfil]) as engine:
        await engine.handle("order-17").signal("address", " to Bob")
        assert await engine.handle("order-17").result(SOON) == "parcel 17 to Bob"
