from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import IntervalSpec, JournalCorruptError, WorkflowEngine, receive, step, workflow

OFTEN = IntervalSpec(timedelta(milliseconds=20))


@workflow
async def report() -> str:
    return "report"


@workflow
async def lasts() -> str:
    return str(await receive("end"))


@pytest.mark.parametrize(
    "damage",
    ["workflow = cast(x'6cff7374' AS TEXT)", "status = 'runming'"],
    ids=["no text", "no status"],
)
async def test_a_run_that_cannot_be_read_holds_up_its_schedule_at_most(tmp_path: Path, damage: str):
    """The engine opens, the run counts as running, the other schedules go on, and whoever asks for the run hears why."""
    url = f"sqlite:///{tmp_path}/journal.db"
    async with WorkflowEngine(url, workflows=[report, lasts]) as engine:
        held = await engine.schedule("held", lasts, spec=OFTEN)
        async with asyncio.timeout(10):
            while not (runs := (await held.describe()).last_runs):
                await asyncio.sleep(0.002)
        await engine.schedule("free", report, spec=OFTEN)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
        changed = connection.execute(f"UPDATE runs SET {damage} WHERE id = ?", (runs[0].id,))
        assert changed.rowcount == 1
    async with WorkflowEngine(url, workflows=[report, lasts]) as engine:
        free = engine.schedule_handle("free")
        before = len((await free.describe()).last_runs)
        async with asyncio.timeout(10):
            while len((await free.describe()).last_runs) < before + 3:
                await asyncio.sleep(0.002)
        assert [run.id for run in (await engine.schedule_handle("held").describe()).last_runs] == [runs[0].id]
        with pytest.raises(JournalCorruptError, match="cannot be read"):
            await engine.handle(runs[0].id).status()


async def test_a_journal_whose_schedules_cannot_be_listed_is_refused_before_a_run_goes_on(tmp_path: Path):
    """What is wrong with the whole journal is found while nothing has been written and no step has begun."""
    url = f"sqlite:///{tmp_path}/journal.db"
    began: list[str] = []

    @step
    async def work() -> None:
        began.append("work")
        await asyncio.Event().wait()

    @workflow
    async def works() -> None:
        await work()

    async with WorkflowEngine(url, workflows=[works, lasts]) as engine:
        await engine.schedule("held", lasts, spec=IntervalSpec(timedelta(days=1)))
        await engine.start(works)
        async with asyncio.timeout(10):
            while not began:
                await asyncio.sleep(0.002)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
        connection.execute("UPDATE schedules SET id = cast(x'6cff7374' AS TEXT)")
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(JournalCorruptError, match="cannot be read"):
        async with WorkflowEngine(url, workflows=[works, lasts]):
            pytest.fail("it opened")
    assert began == ["work"]
    assert (tmp_path / "journal.db").read_bytes() == before
