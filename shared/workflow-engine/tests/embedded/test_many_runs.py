"""Operations on many runs at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    RunFilter,
    RunStatus,
    StartOptions,
    WorkflowEngine,
    WorkflowFailedError,
    receive,
    step,
    workflow,
)

SOON = timedelta(seconds=20)


@workflow
async def waits() -> str:
    return str(await receive("go"))


async def start(engine: WorkflowEngine, count: int, customer: str) -> None:
    options = StartOptions(attributes={"customer": customer})
    await asyncio.gather(*(engine.start(waits, id=f"{customer}{n}", options=options) for n in range(count)))


async def counts(engine: WorkflowEngine, **criteria: object) -> dict[str, int]:
    found = {status.value: await engine.count(status=status, **criteria) for status in RunStatus}  # type: ignore[arg-type]  criteria of every kind
    return {status: count for status, count in found.items() if count}


async def test_what_a_filter_means_is_cancelled_and_nothing_else():
    """In batches, over more than one page; who has ended is not asked, and the number of those that were is told."""
    async with WorkflowEngine("sqlite://", workflows=[waits], max_workflows_in_memory=10) as engine:
        await start(engine, 230, "acme")
        await start(engine, 20, "b")
        await engine.handle("acme7").signal("go")
        await engine.handle("acme7").result(SOON)
        await engine.handle("acme8").pause()
        wanted = RunFilter(attributes={"customer": "acme"})
        assert await engine.cancel_all(wanted, "no longer wanted") == 229
        async with asyncio.timeout(SOON.total_seconds()):
            while await engine.count(status="cancelled") < 228:  # the paused one keeps the request until it is resumed
                await asyncio.sleep(0.01)
        assert await counts(engine) == {"running": 20, "paused": 1, "completed": 1, "cancelled": 228}
        history = await engine.handle("acme9").history()
        assert [event.data["reason"] for event in history if event.type == "cancel_requested"] == ["no longer wanted"]


async def test_many_are_paused_resumed_and_terminated():
    """Each takes those it can be done to, and does it again harmlessly."""
    async with WorkflowEngine("sqlite://", workflows=[waits]) as engine:
        await start(engine, 5, "a")
        await start(engine, 3, "b")
        only_a = RunFilter(id_prefix="a")
        assert [await engine.pause_all(only_a, "audit") for _ in range(2)] == [5, 0]
        assert await counts(engine) == {"running": 3, "paused": 5}
        assert [await engine.resume_all(RunFilter()) for _ in range(2)] == [5, 0]
        assert await engine.pause_all(RunFilter(id_prefix="a1")) == 1
        assert [await engine.terminate_all(only_a, "over") for _ in range(2)] == [5, 0]
        assert await counts(engine) == {"running": 3, "terminated": 5}


async def test_failed_runs_go_on_once_the_cause_is_mended():
    """Those that failed in a step do; one whose own code failed is left alone and not counted."""
    broken = True

    @step
    async def fragile() -> str:
        if broken:
            raise OSError("down")
        return "up"

    @workflow
    async def flow(is_wrong: bool) -> str:
        if is_wrong:
            raise ValueError("bug")
        return await fragile()

    async with WorkflowEngine("sqlite://", workflows=[flow]) as engine:
        handles = [await engine.start(flow, number == 0) for number in range(4)]
        for handle in handles:
            with pytest.raises(WorkflowFailedError):
                await handle.result(SOON)
        broken = False
        assert await engine.retry_all(RunFilter(workflow="flow")) == 3
        for handle in handles[1:]:
            assert await handle.result(SOON) == "up"
        assert await counts(engine) == {"failed": 1, "completed": 3}
