"""Pausing, terminating, retrying and forking runs from outside."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    RunStatus,
    StepNotFoundError,
    WorkflowConflictError,
    WorkflowEndedError,
    WorkflowFailedError,
    WorkflowTerminatedError,
    receive,
    replay,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("pausing")

SOON = timedelta(seconds=20)
ran: list[str] = []
broken = asyncio.Event()


@pytest.fixture(autouse=True)
def _fresh():
    ran.clear()
    broken.clear()


@step
async def work(name: str) -> str:
    ran.append(name)
    if broken.is_set() and name == "c":
        raise OSError("down")
    return name


@workflow
async def four() -> list[str]:
    return [await work(name) for name in "abcd"]


@workflow
async def signalled() -> list[object]:
    first = await receive("go")
    await asyncio.sleep(0.01)
    return [first, await work("after")]


async def test_a_paused_run_starts_nothing_until_it_is_resumed(place):
    """Signals are kept, nothing runs, not even after a restart; resuming lets it all happen."""
    async with place.engine(workflows=[signalled]) as engine:
        handle = await engine.start(signalled, id="r")
        await handle.pause("maintenance")
        await handle.pause()
        await handle.signal("go", 1)
        assert (await handle.status()).status is RunStatus.PAUSED
    async with place.engine(workflows=[signalled]) as engine:
        handle = engine.handle("r")
        await asyncio.sleep(0.03)
        assert ran == []
        assert [event.type for event in await handle.history()] == ["run_started", "run_paused", "signal_received"]
        await handle.resume()
        await handle.resume()
        assert await handle.result(SOON) == [1, "after"]


async def test_a_step_under_way_when_its_run_is_paused_runs_once(place):
    """Pausing does not stop an attempt, and resuming does not start it again."""
    started, release = asyncio.Event(), asyncio.Event()

    @step
    async def slow() -> str:
        ran.append("slow")
        started.set()
        await release.wait()
        return "done"

    @workflow
    async def waits() -> str:
        return await slow()

    async with place.engine(workflows=[waits]) as engine:
        handle = await engine.start(waits)
        await started.wait()
        await handle.pause()
        await handle.resume()
        release.set()
        assert await handle.result(SOON) == "done"
    assert ran == ["slow"]


@pytest.mark.capability("terminating")
async def test_a_terminated_run_ends_at_once_without_cleaning_up(place):
    """Termination is not cancellation: the workflow is not asked, a stuck one neither; children are asked to stop."""

    @workflow
    async def child() -> None:
        await receive("never")

    @workflow
    async def stubborn() -> None:
        while True:
            try:
                await child()
            except asyncio.CancelledError:
                ran.append("refused")

    async with place.engine(workflows=[stubborn, child]) as engine:
        handle = await engine.start(stubborn, id="s")
        await place.begun(engine, "s.1")
        await handle.terminate("enough")
        with pytest.raises(WorkflowTerminatedError, match="enough"):
            await handle.result(SOON)
        assert (await handle.status()).status is RunStatus.TERMINATED
        await handle.terminate("again")
        with pytest.raises(WorkflowEndedError):
            await handle.pause()
        with pytest.raises(Exception, match="cancelled"):
            await engine.handle("s.1").result(SOON)
    assert ran == []


@pytest.mark.capability("redriving")
async def test_a_failed_run_goes_on_from_its_failed_step(place):
    """Steps that completed do not run again, the failed one does, and the whole story stays in the history."""
    broken.set()
    async with place.engine(workflows=[four]) as engine:
        handle = await engine.start(four, id="r")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        await handle.retry()
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        broken.clear()
        await handle.retry()
        assert await handle.result(SOON) == ["a", "b", "c", "d"]
        assert ran == ["a", "b", "c", "c", "c", "d"]
        if place.runner == "embedded":  # on a cluster the history begins anew with what still counts
            assert [event.type for event in await handle.history()].count("run_redriven") == 2
        with pytest.raises(WorkflowConflictError, match="has not failed"):
            await handle.retry()
    async with place.engine(workflows=[four]) as engine:
        assert await engine.handle("r").result(SOON) == ["a", "b", "c", "d"]


@pytest.mark.capability("redriving")
async def test_a_run_whose_own_code_failed_cannot_be_retried(place):
    """Without a failed step there is nothing to go on from."""

    @workflow
    async def wrong() -> None:
        await work("a")
        raise ValueError("bug")

    async with place.engine(workflows=[wrong]) as engine:
        handle = await engine.start(wrong)
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        with pytest.raises(WorkflowConflictError, match="its own code"):
            await handle.retry()


@pytest.mark.capability("forking")
async def test_a_fork_takes_over_what_completed_before_its_step(place):
    """Steps 1 and 2 are not run again; step 3 and what follows run anew, in a run of their own."""
    async with place.engine(workflows=[four]) as engine:
        original = await engine.start(four, id="r")
        await original.result(SOON)
        fork = await engine.fork("r", step=3, id="r-fork")
        assert await fork.result(SOON) == ["a", "b", "c", "d"]
        assert ran == ["a", "b", "c", "d", "c", "d"]
        with pytest.raises(WorkflowConflictError, match="taken"):
            await engine.fork("r", step=3, id="r-fork")
        with pytest.raises(StepNotFoundError, match="no step 9; it has 1, 2, 3, 4"):
            await engine.fork("r", step=9)


@pytest.mark.capability("redriving")
async def test_retrying_a_parent_retries_the_child_that_failed_it(place):
    """The failed step may be a child run's: that child goes on too, under its own id."""
    broken.set()

    @workflow
    async def parent() -> list[str]:
        return ["p", *await four()]

    async with place.engine(workflows=[parent, four]) as engine:
        handle = await engine.start(parent, id="p")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        with pytest.raises(WorkflowConflictError, match="retry 'p' instead"):
            await engine.handle("p.1").retry()
        broken.clear()
        await handle.retry()
        assert await handle.result(SOON) == ["p", "a", "b", "c", "d"]
    assert ran == ["a", "b", "c", "c", "d"]


@pytest.mark.capability("redriving")
async def test_a_retried_and_a_terminated_run_replay_from_their_exports(place):
    """What a redrive dropped does not count in CI either, and a termination is an end like any other."""
    broken.set()
    async with place.engine(workflows=[four, signalled]) as engine:
        handle = await engine.start(four, id="r")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        broken.clear()
        await handle.retry()
        await handle.result(SOON)
        assert replay(await handle.export_history(), four).status is RunStatus.COMPLETED
        other = await engine.start(signalled)
        await other.pause()
        await other.resume()
        await other.terminate("enough")
        assert replay(await other.export_history(), signalled).status is RunStatus.TERMINATED
