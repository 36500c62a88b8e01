"""What a crash between two commits used to lose: each history here is one that such a crash leaves behind."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    RunStatus,
    WorkflowCancelledError,
    WorkflowEngine,
    WorkflowTerminatedError,
    continue_as_new,
    on_update,
    receive,
    step,
    workflow,
)

SOON = timedelta(seconds=20)


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


async def events(engine: WorkflowEngine, run: str, kind: str) -> int:
    return sum(event.type == kind for event in await engine.handle(run).history())


async def test_what_arrives_behind_continue_as_new_belongs_to_the_next_pass(tmp_path: Path):
    """A signal and an update journalled behind the event at which the workflow started over are there after a restart."""

    @step
    async def work() -> None: ...

    @workflow
    async def starts_over(turn: int) -> list[str]:
        answered: list[str] = []

        async def answer(value: str) -> str:
            answered.append(value)
            return f"{value} in turn {turn}"

        if turn == 1:
            await work()
            continue_as_new(2)
        on_update("ask", answer, type=str)
        return [await receive("mark"), await receive("mark"), *answered]

    async with WorkflowEngine(url(tmp_path), workflows=[starts_over]) as engine:
        await engine.start(starts_over, 2, id="r")  # turned into the first pass below
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        rows = [
            b'{"type":"step_completed","time":2,"seq":1,"step":"work","input":null,"output":null,"started":1}',
            b'{"type":"signal_received","time":3,"name":"mark","payload":"kept"}',
            b'{"type":"update_requested","time":4,"update_id":"u","name":"ask","payload":"why"}',
        ]
        connection.execute("UPDATE history SET event = json_set(event, '$.input', 1)")
        connection.execute("UPDATE history SET event = CAST(event AS BLOB)")
        for position, event in enumerate(rows, 1):
            connection.execute("INSERT INTO history VALUES (1, ?, ?)", (position, event))
        connection.execute("UPDATE runs SET parked = 0")
    async with WorkflowEngine(url(tmp_path), workflows=[starts_over]) as engine:
        handle = engine.handle("r")
        assert await handle.update("ask", "why", id="u", timeout=SOON) == "why in turn 2"
        await handle.signal("mark", "second")
        assert await handle.result(SOON) == ["kept", "second", "why"]


async def test_signals_sent_while_a_workflow_starts_over_arrive_in_order():
    """Hundreds at once, while it starts over again and again: each is received once, in order."""

    @workflow
    async def starts_over(seen: list[int]) -> list[int]:
        for _ in range(3):
            seen.append(int(await receive("n")))
            if len(seen) == 300:
                return seen
        continue_as_new(seen)

    async with WorkflowEngine("sqlite://", workflows=[starts_over]) as engine:
        handle = await engine.start(starts_over, [])
        for first in range(0, 300, 20):
            await asyncio.gather(*(handle.signal("n", n) for n in range(first, first + 20)))
        assert await handle.result(SOON) == list(range(300))


async def test_a_child_whose_cancellation_was_lost_is_cancelled_after_the_restart(tmp_path: Path):
    """The parent's cancellation is on disk, the child's is not: the child ends all the same."""

    @step
    async def cleans_up() -> None:
        await asyncio.sleep(0)

    @workflow
    async def child() -> None:
        await receive("never")

    @workflow
    async def parent() -> None:
        try:
            await child()
        finally:
            await receive("cleaned")

    async with WorkflowEngine(url(tmp_path), workflows=[parent, child]) as engine:
        await engine.start(parent, id="p")
        while not (await engine.runs(parent="p")).runs:
            await asyncio.sleep(0.001)
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        event = b'{"type":"cancel_requested","time":2,"reason":""}'
        connection.execute("INSERT INTO history VALUES ((SELECT key FROM runs WHERE id = 'p'), 1, ?)", (event,))
        connection.execute("UPDATE runs SET parked = 0 WHERE id = 'p'")
    async with WorkflowEngine(url(tmp_path), workflows=[parent, child]) as engine:
        (found,) = (await engine.runs(parent="p")).runs
        with pytest.raises(WorkflowCancelledError):
            await engine.handle(found.id).result(SOON)
        await engine.handle("p").signal("cleaned")
        with pytest.raises(WorkflowCancelledError):
            await engine.handle("p").result(SOON)
        assert await events(engine, found.id, "cancel_requested") == 1


async def test_terminating_runs_that_leave_memory_jams_nothing():
    """With room for one waiting run, sleeping ones are terminated while timers fire: every write succeeds."""

    @workflow
    async def naps() -> None:
        while True:
            await asyncio.sleep(0.001)

    async with WorkflowEngine("sqlite://", workflows=[naps], max_workflows_in_memory=1) as engine:
        handles = [await engine.start(naps) for _ in range(60)]
        await asyncio.gather(*(handle.terminate("enough") for handle in handles))
        for handle in handles:
            with pytest.raises(WorkflowTerminatedError):
                await handle.result(SOON)
            assert (await handle.status()).status is RunStatus.TERMINATED
        assert engine.failure is None
