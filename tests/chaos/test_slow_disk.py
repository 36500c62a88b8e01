"""A disk that takes its time: what is not committed is not acknowledged, and nothing gives up over it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from fault_load.bounds import IS_LONG

from maestro_workflow_engine import WorkflowEngine, receive, step, workflow
from maestro_workflow_engine.embedded import _crash_points
from maestro_workflow_engine.embedded._runner import EmbeddedRunner

SOON = timedelta(seconds=60)
DELAY_S = 0.3 if IS_LONG else 0.05
ran: list[str] = []
held: dict[str, asyncio.Event] = {}
"""Steps that wait, by what they are given."""


@step(timeout=timedelta(seconds=10))
async def work(name: str) -> str:
    ran.append(name)
    if name in held:
        await held[name].wait()
    return name


@workflow
async def flow(name: str) -> str:
    first = await work(f"{name} first")
    return f"{first}, {await receive('go')}, {await work(f'{name} last')}"


@pytest.fixture(autouse=True)
def _fast_again() -> Iterator[None]:
    ran.clear()
    held.clear()
    yield
    _crash_points.disarm()


def on_disk(journal: Path) -> int:
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM history").fetchone()[0])


async def test_nothing_is_acknowledged_and_nothing_begins_before_the_commit(tmp_path: Path):
    """Hold the commit: a start and a signal stay unanswered and no step runs; let it go: both are answered, once."""
    gate, reached = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        gate.wait(30)

    journal = tmp_path / "journal.db"
    held["a first"] = asyncio.Event()
    async with WorkflowEngine(f"sqlite:///{journal}", workflows=[flow]) as engine:
        _crash_points.at(_crash_points.BEFORE_COMMIT, hold)
        starting = asyncio.create_task(engine.start(flow, "a", id="a"))
        again = asyncio.create_task(engine.start(flow, "a", id="a"))
        while not reached.is_set():
            await asyncio.sleep(0.001)
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert (starting.done(), again.done(), ran, on_disk(journal)) == (False, False, [], 0)
        gate.set()
        handle = await starting
        await again
        reached.clear()
        gate.clear()
        while ran != ["a first"]:
            await asyncio.sleep(0.001)
        held["a first"].set()
        while not reached.is_set():  # the step's result is at the gate
            await asyncio.sleep(0.001)
        signalling = asyncio.create_task(handle.signal("go", "went"))
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert not signalling.done()
        gate.set()
        await signalling
        assert await handle.result(SOON) == "a first, went, a last"
    assert ran == ["a first", "a last"]


async def test_a_slow_disk_shares_its_commits_and_closing_waits(tmp_path: Path):
    """Forty runs behind slow commits need a few commits, not one for each write; closing writes what is left."""
    url = f"sqlite:///{tmp_path}/journal.db"
    async with WorkflowEngine(url, workflows=[flow]) as engine:
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        assert runner._opened is not None
        journal = runner._opened.journal
        _crash_points.at(_crash_points.BEFORE_COMMIT, lambda: time.sleep(DELAY_S))
        before = journal.commits
        handles = await asyncio.gather(*(engine.start(flow, f"r{n}", id=f"r{n}") for n in range(40)))
        await asyncio.gather(*(handle.signal("go", "went") for handle in handles))
        results = await asyncio.gather(*(handle.result(SOON) for handle in handles))
        assert results == [f"r{n} first, went, r{n} last" for n in range(40)]
        assert journal.commits - before < 40  # there were 200 writes
        assert engine.failure is None
        late = await engine.start(flow, "late", id="late")
        del late
        while "late first" not in ran:
            await asyncio.sleep(0.001)
    _crash_points.disarm()
    async with WorkflowEngine(url, workflows=[flow]) as engine:  # its result was still on the way when closing began
        await engine.handle("late").signal("go", "went")
        assert await engine.handle("late").result(SOON) == "late first, went, late last"
    assert ran.count("late first") == 1
