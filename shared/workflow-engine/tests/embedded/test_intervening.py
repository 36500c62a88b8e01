"""Pausing, terminating, retrying and forking runs from outside."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    RunStatus,
    WorkflowConflictError,
    WorkflowEngine,
    WorkflowFailedError,
    receive,
    replay,
    step,
    workflow,
)

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


async def test_retrying_a_parent_retries_the_child_that_failed_it():
    """The failed step may be a child run's: that child goes on too, under its own id."""
    broken.set()

    @workflow
    async def parent() -> list[str]:
        return ["p", *await four()]

    async with WorkflowEngine("sqlite://", workflows=[parent, four]) as engine:
        handle = await engine.start(parent, id="p")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        with pytest.raises(WorkflowConflictError, match="retry 'p' instead"):
            await engine.handle("p.1").retry()
        broken.clear()
        await handle.retry()
        assert await handle.result(SOON) == ["p", "a", "b", "c", "d"]
    assert ran == ["a", "b", "c", "c", "d"]


async def test_a_retried_and_a_terminated_run_replay_from_their_exports():
    """What a redrive dropped does not count in CI either, and a termination is an end like any other."""
    broken.set()
    async with WorkflowEngine("sqlite://", workflows=[four, signalled]) as engine:
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
