"""Cancellation in every state of a run."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from maestro_workflow_engine import (
    RunStatus,
    WorkflowCancelledError,
    WorkflowTerminatedError,
    receive,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("cancellation")

SOON = timedelta(seconds=20)
seen: list[str] = []
gates: list[asyncio.Event] = []


@pytest.fixture(autouse=True)
def _fresh():
    seen.clear()
    gates[:] = [asyncio.Event()]  # it belongs to the loop that it was first awaited in


@step
async def note(what: str) -> None:
    seen.append(what)


@step
async def blocks(what: str) -> None:
    seen.append(what)
    try:
        await gates[0].wait()
    except asyncio.CancelledError:
        seen.append(f"{what} cancelled")
        raise


@workflow
async def sleeps() -> None:
    try:
        await asyncio.sleep(10**6)
    finally:
        await note("woken")


@workflow
async def works() -> None:
    await blocks("work")


@workflow
async def cleans() -> str:
    try:
        await blocks("work")
    except asyncio.CancelledError:
        await blocks("clean")
        raise
    return ""


@workflow
async def stubborn() -> str:
    """Refuses, then goes on to its end."""
    try:
        await receive("never")
    except asyncio.CancelledError:
        await note("no")
    return str(await receive("go"))


WORKFLOWS = [sleeps, works, cleans, stubborn]


async def until(check: Any) -> None:
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0.002)


async def test_a_run_that_waits_for_a_slot_is_cancelled_without_its_step_ever_running(place):
    """Its place in the queue is free at once."""
    async with place.engine(workflows=WORKFLOWS, max_concurrent_workflows=1) as engine:
        first = await engine.start(works)
        await until(lambda: seen == ["work"])
        queued = await engine.start(works)
        await queued.cancel()
        with pytest.raises(WorkflowCancelledError):
            await queued.result(SOON)
        assert seen == ["work"]
        gates[0].set()
        await first.result(SOON)


async def test_a_sleeping_run_is_cancelled_where_it_sleeps_in_memory_on_disk_and_after_a_restart(place):
    """Its timer is gone, and it cleans up."""
    async with place.engine(workflows=WORKFLOWS, max_workflows_in_memory=1) as engine:
        handles = [await engine.start(sleeps, id=f"r{n}") for n in range(3)]
        for handle in handles[:2]:
            await handle.cancel()
            with pytest.raises(WorkflowCancelledError):
                await handle.result(SOON)
    async with place.engine(workflows=WORKFLOWS) as engine:
        await engine.handle("r2").cancel()
        with pytest.raises(WorkflowCancelledError):
            await engine.handle("r2").result(SOON)
    assert seen == ["woken"] * 3


async def test_a_paused_run_hears_of_its_cancellation_when_it_is_resumed(place):
    """Nothing of a paused run starts, its clean-up neither."""
    async with place.engine(workflows=WORKFLOWS) as engine:
        handle = await engine.start(sleeps)
        await handle.pause()
        await handle.cancel()
        assert (await handle.status()).status is RunStatus.PAUSED
        assert seen == []
        await handle.resume()
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)
    assert seen == ["woken"]


async def test_a_run_that_leaves_memory_is_not_cancelled(place):
    """Its code is stopped where it waits and sees nothing of that, also when the engine closes."""
    told: list[str] = []

    @workflow
    async def listens() -> str:
        try:
            return str(await receive("go"))
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async with place.engine(workflows=[listens], max_workflows_in_memory=1) as engine:
        handles = [await engine.start(listens, id=f"r{n}") for n in range(4)]
        for handle in handles[:3]:
            await handle.signal("go", "went")
            assert await handle.result(SOON) == "went"
    assert told == []


async def test_a_workflow_may_refuse_to_be_cancelled(place):
    """Who swallows the CancelledError goes on, and completes; asking again changes nothing."""
    async with place.engine(workflows=WORKFLOWS) as engine:
        handle = await engine.start(stubborn)
        await handle.cancel()
        await handle.cancel("once more")
        await handle.signal("go", "done")
        assert await handle.result(SOON) == "done"
    assert seen == ["no"]


async def test_a_second_request_does_not_disturb_the_clean_up(place):
    """A caller who did not hear the answer may ask twice; the clean-up step runs to its end."""
    async with place.engine(workflows=WORKFLOWS) as engine:
        handle = await engine.start(cleans)
        await until(lambda: seen == ["work"])
        await handle.cancel()
        await until(lambda: "clean" in seen)
        await handle.cancel()
        gates[0].set()
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)
    assert "clean cancelled" not in seen


@pytest.mark.capability("terminating")
async def test_a_run_that_is_terminated_while_it_cleans_up_ends_at_once(place):
    """The clean-up step is stopped, and nothing follows it."""
    async with place.engine(workflows=WORKFLOWS) as engine:
        handle = await engine.start(cleans)
        await until(lambda: seen == ["work"])
        await handle.cancel()
        await until(lambda: "clean" in seen)
        await handle.terminate("enough")
        with pytest.raises(WorkflowTerminatedError, match="enough"):
            await handle.result(SOON)
        await until(lambda: seen[-1] == "clean cancelled")
        assert (await handle.history())[-1].type == "run_terminated"
