"""Very many signals to one run: all in order, with work and memory that grow with their number and no faster."""

from __future__ import annotations

import asyncio
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from fault_load.bounds import IS_LONG

from maestro_workflow_engine import WorkflowEngine, receive, workflow
from maestro_workflow_engine.embedded._runner import EmbeddedRunner
from maestro_workflow_engine.machine import WorkflowMachine

COUNT = 100_000 if IS_LONG else 5_000
AT_ONCE = 500
SOON = timedelta(seconds=200)


@workflow
async def counts(total: int) -> int:
    await receive("begin")
    for expected in range(total):
        got = await receive("number")
        if got != expected:
            raise AssertionError(f"{got} came in place of {expected}")
    return total


async def send(engine: WorkflowEngine, run: str, total: int) -> None:
    handle = engine.handle(run)
    for first in range(0, total, AT_ONCE):
        await asyncio.gather(*(handle.signal("number", n) for n in range(first, min(total, first + AT_ONCE))))


@pytest.mark.timeout(280)
async def test_very_many_signals_arrive_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: pytest.RecordProperty
):
    """Buffered before anybody asks, over a restart, then received: each once, in order; each is applied twice in all, no more."""
    url = f"sqlite:///{tmp_path}/journal.db"
    applied = 0
    original = WorkflowMachine.apply

    def counted(self, event, position=0):
        nonlocal applied
        applied += 1
        return original(self, event, position)

    monkeypatch.setattr(WorkflowMachine, "apply", counted)
    async with WorkflowEngine(url, workflows=[counts]) as engine:
        await engine.start(counts, COUNT, id="r")
        await send(engine, "r", COUNT)
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        assert runner._opened is not None
        record_property("commits", runner._opened.journal.commits)
        assert runner._opened.journal.commits < COUNT
    assert applied <= COUNT + 10
    async with WorkflowEngine(url, workflows=[counts]) as engine:  # takes it up once, with everything that is buffered
        await engine.handle("r").signal("begin")
        assert await engine.handle("r").result(SOON) == COUNT
    assert applied <= 2 * COUNT + 20


@pytest.mark.timeout(280)
async def test_memory_grows_with_the_number_of_signals_and_no_faster(record_property: pytest.RecordProperty):
    """Twice as many buffered signals need about twice the memory, some hundred bytes each."""
    grown = []
    for count in (2_000, 4_000):
        async with WorkflowEngine("sqlite://", workflows=[counts]) as engine:
            await engine.start(counts, count, id="r")
            await send(engine, "r", 500)
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            handle = engine.handle("r")
            for first in range(500, 500 + count, AT_ONCE):
                await asyncio.gather(*(handle.signal("number", n) for n in range(first, first + AT_ONCE)))
            grown.append(tracemalloc.get_traced_memory()[0] - before)
            tracemalloc.stop()
    record_property("bytes_per_signal", grown[1] // 4_000)
    assert grown[1] < 3 * grown[0]
    assert grown[1] < 4_000 * 2_000
