from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    RetryPolicy,
    WorkflowDefinitionError,
    WorkflowEngine,
    receive,
    step,
    step_info,
    workflow,
)

SOON = timedelta(seconds=20)
QUICK = RetryPolicy(max_attempts=4, initial_interval=timedelta(milliseconds=1))


async def test_a_failing_step_is_retried_and_its_attempts_are_kept():
    """Retries follow the policy, history shows each, and the idempotency key stays the same."""
    keys: list[str] = []

    @step(retry=QUICK)
    async def flaky() -> int:
        keys.append(step_info().idempotency_key)
        if step_info().attempt < 3:
            raise OSError("down")
        return step_info().attempt

    @workflow
    async def stubborn() -> int:
        return await flaky()

    async with WorkflowEngine("sqlite://", workflows=[stubborn]) as engine:
        handle = await engine.start(stubborn, id="r")
        assert await handle.result(SOON) == 3
        assert [event.type for event in await handle.history()] == [
            "run_started", "step_retrying", "step_retrying", "step_completed", "run_completed",
        ]  # fmt: skip
    assert keys == ["r/1"] * 3


async def test_listing_filters_and_pages():
    """Runs come newest first, by status and workflow, a page at a time, each exactly once."""

    @workflow
    async def quick() -> None:
        return None

    @workflow
    async def waits() -> None:
        await receive("go")

    async with WorkflowEngine("sqlite://", workflows=[quick, waits]) as engine:
        for number in range(7):
            await (await engine.start(quick, id=f"q{number}")).result(SOON)
        await engine.start(waits, id="w")
        seen, cursor = [], None
        while True:
            page = await engine.runs(workflow="quick", limit=3, cursor=cursor)
            seen += [run.id for run in page.runs]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [f"q{number}" for number in reversed(range(7))]
        assert [run.id for run in (await engine.runs(status="running")).runs] == ["w"]
        for wrong in ({"limit": 0}, {"cursor": "x"}, {"status": "asleep"}):
            with pytest.raises(ValueError, match=r"limit|cursor|asleep"):
                await engine.runs(**wrong)


async def test_only_so_many_runs_have_steps_running_at_once():
    """max_concurrent_workflows bounds runs at work; runs that wait for children take no slot."""
    running = most = 0

    @step
    async def busy() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1

    @workflow
    async def child() -> None:
        await busy()

    @workflow
    async def parent() -> None:
        await asyncio.gather(*(child() for _ in range(5)))

    async with WorkflowEngine("sqlite://", workflows=[parent, child], max_concurrent_workflows=2) as engine:
        handles = [await engine.start(parent) for _ in range(4)]
        for handle in handles:
            await handle.result(SOON)
    assert most == 2


def test_what_cannot_be_a_workflow_or_step_is_refused_where_it_is_declared():
    """Declaration errors come at import, not at run time."""
    with pytest.raises(WorkflowDefinitionError, match="async def"):

        @workflow  # type: ignore[type-var]
        def plain() -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="names each of its parameters"):

        @step
        async def variadic(*items: str) -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="no workflow name"):

        @workflow(name="has space")
        async def named() -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="names no runner"):
        WorkflowEngine("postgres://somewhere/db")
    with pytest.raises(ValueError, match="max_attempts"):
        RetryPolicy(max_attempts=-1)
