"""Basic control-flow patterns: 1 to 5."""

from __future__ import annotations

import asyncio

import pytest
from pattern_driving import Case, task, work

from maestro_workflow_engine import WorkflowEngine, step, workflow


@workflow
async def sequence() -> list[str]:
    return [await task("A"), await task("B")]


async def test_01_sequence(case: Case):
    """B is enabled by the completion of A, and not before."""
    await case.start(sequence)
    assert await case.enabled() == ["A"]
    await case.complete("A")
    assert await case.enabled() == ["B"]
    await case.complete("B")
    assert await case.result() == case.done == ["A", "B"]


@workflow
async def parallel_split() -> None:
    await task("A")
    async with asyncio.TaskGroup() as group:
        group.create_task(task("B"))
        group.create_task(task("C"))


async def test_02_parallel_split(case: Case):
    """After A both branches are enabled at once, and complete in either order."""
    await case.start(parallel_split)
    await case.complete("A")
    assert await case.enabled() == ["B", "C"]
    await case.complete("C")
    assert await case.enabled() == ["B"]
    await case.complete("B")
    await case.result()
    assert case.done == ["A", "C", "B"]


async def test_02_parallel_steps_run_at_the_same_time():
    """Two steps of two branches that wait for one another both complete: neither runs after the other."""
    both = asyncio.Barrier(2)

    @step
    async def meet() -> None:
        await both.wait()

    @workflow
    async def meeting() -> str:
        await asyncio.gather(meet(), meet())
        return "met"

    async with WorkflowEngine.test([meeting]) as engine:
        assert await (await engine.start(meeting)).result() == "met"


@workflow
async def synchronization() -> None:
    await asyncio.gather(task("A"), task("B"))
    await task("C")


@pytest.mark.parametrize("order", [("A", "B"), ("B", "A")])
async def test_03_synchronization(case: Case, order: tuple[str, str]):
    """C is enabled once, when both branches have completed, whichever came first."""
    await case.start(synchronization)
    await case.complete(order[0])
    assert await case.enabled() == [order[1]]
    await case.complete(order[1])
    assert await case.enabled() == ["C"]
    await case.complete("C")
    await case.result()
    assert case.done == [*order, "C"]


@step
async def assess(cents: int) -> str:
    await work("assess")
    return "large" if cents > 100_00 else "small"


@workflow
async def exclusive_choice(cents: int) -> str:
    if await assess(cents) == "large":
        approved = await task("manager")
    else:
        approved = await task("clerk")
    await task("pay")
    return approved


@pytest.mark.parametrize(("cents", "chosen"), [(99_00, "clerk"), (101_00, "manager")])
async def test_04_exclusive_choice(case: Case, cents: int, chosen: str):
    """Exactly one branch is enabled, by what a step found; the choice is made once, restarts or not."""
    await case.start(exclusive_choice, cents)
    assert await case.enabled() == [chosen]
    assert case.done == ["assess"]


@pytest.mark.parametrize(("cents", "chosen"), [(99_00, "clerk"), (101_00, "manager")])
async def test_05_simple_merge(case: Case, cents: int, chosen: str):
    """Whichever branch was taken, the task behind the merge is enabled by it, once."""
    await case.start(exclusive_choice, cents)
    await case.complete(chosen)
    assert await case.enabled() == ["pay"]
    await case.complete("pay")
    assert await case.result() == chosen
    assert case.done == ["assess", chosen, "pay"]
