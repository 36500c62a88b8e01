"""Cancellation and force completion patterns: 19, 20 and 25 to 27."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from pattern_driving import RUN, Case, task

from maestro_workflow_engine import RunStatus, WorkflowEngine, receive, step, workflow

SOON = timedelta(seconds=20)


@workflow
async def cancel_activity() -> list[str]:
    assessment = asyncio.create_task(task("assess"))
    withdrawal = asyncio.create_task(receive("withdraw"))
    await asyncio.wait({assessment, withdrawal}, return_when=asyncio.FIRST_COMPLETED)
    assessment.cancel()
    return [await task("archive")]


async def test_19_cancel_activity(case: Case):
    """A task that is enabled is withdrawn; it cannot be completed any more, and the process goes on."""
    await case.start(cancel_activity)
    assert await case.enabled() == ["assess", "withdraw"]
    await case.complete("withdraw")
    assert await case.enabled() == ["archive"]
    await case.complete("assess", "archive")
    await case.result()
    assert case.done == ["archive"]


async def test_19_a_step_that_is_running_is_halted_and_does_not_run_again(tmp_path: Path):
    """Cancelling a task stops the step it is in; a restart afterwards does not begin the step anew."""
    began: list[str] = []
    halted = asyncio.Event()

    @step
    async def assess() -> None:
        began.append("assess")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            halted.set()
            raise

    @workflow
    async def assessed() -> str:
        assessment = asyncio.create_task(assess())
        await receive("withdraw")
        assessment.cancel()
        return str(await receive("archive"))

    url = f"sqlite:///{tmp_path}/journal.db"
    async with WorkflowEngine(url, workflows=[assessed]) as engine:
        handle = await engine.start(assessed, id=RUN)
        await handle.signal("withdraw")
        await asyncio.wait_for(halted.wait(), SOON.total_seconds())
    async with WorkflowEngine(url, workflows=[assessed]) as engine:
        await engine.handle(RUN).signal("archive", "kept")
        assert await engine.handle(RUN).result(SOON) == "kept"
    assert began == ["assess"]


@workflow
async def inspection() -> None:
    await task("inspect")


@workflow
async def claim() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(task("assess"))
        group.create_task(_inspected())
        await asyncio.sleep(86_400)
        group.create_task(task("remind"))


async def _inspected() -> None:
    await inspection()


@pytest.mark.parametrize(("how", "status"), [("cancel", RunStatus.CANCELLED), ("terminate", RunStatus.TERMINATED)])
async def test_20_cancel_case(case: Case, how: str, status: RunStatus):
    """The whole case goes: what is enabled, what was to come, and the child; it is recorded as not completed."""
    case.knows(inspection)
    await case.start(claim)
    (child,) = await case.children()
    assert await case.enabled() == ["assess"]
    assert await case.enabled(child) == ["inspect"]
    await getattr(case, how)()
    await case.sleep(timedelta(days=2))
    assert (await case.detail()).status is status
    assert (await case.detail(child)).status is RunStatus.CANCELLED
    assert await case.enabled() == await case.enabled(child) == []
    assert case.done == []


@workflow
async def cancel_region() -> None:
    region: list[asyncio.Task[str]] = []

    async def branch(name: str) -> None:
        await task(f"{name}1")
        region.append(asyncio.create_task(task(f"{name}2")))
        await asyncio.wait(region[-1:])
        await task(f"{name}3")

    async def fraud() -> None:
        await receive("fraud")
        for member in region:
            member.cancel()

    await asyncio.gather(branch("A"), branch("B"), fraud())


async def test_25_cancel_region(case: Case):
    """Tasks of two branches are withdrawn together, and nothing around them."""
    await case.start(cancel_region)
    await case.complete("A1", "B1")
    assert await case.enabled() == ["A2", "B2", "fraud"]
    await case.complete("fraud")
    assert await case.enabled() == ["A3", "B3"]
    await case.complete("A3", "B3")
    await case.result()
    assert case.done == ["A1", "B1", "A3", "B3"]


@workflow
async def cancel_instances() -> list[str]:
    instances = [asyncio.create_task(task(f"run-{number}")) for number in range(3)]
    stop = asyncio.create_task(receive("stop"))
    everything = asyncio.gather(*instances)
    await asyncio.wait({everything, stop}, return_when=asyncio.FIRST_COMPLETED)
    everything.cancel()
    await asyncio.wait(instances)
    await task("report")
    return [instance.result() for instance in instances if not instance.cancelled()]


async def test_26_cancel_multiple_instance_activity(case: Case):
    """The instances that have not completed are withdrawn; those that have stay as they are."""
    await case.start(cancel_instances)
    await case.complete("run-1", "stop")
    assert await case.enabled() == ["report"]
    await case.complete("report")
    assert await case.result() == ["run-1"]
    assert case.done == ["run-1", "report"]


@workflow
async def complete_instances() -> None:
    experts = [asyncio.create_task(task(f"expert-{number}")) for number in range(3)]
    enough = asyncio.create_task(receive("enough"))
    while pending := [expert for expert in experts if not expert.done()]:
        await asyncio.wait({*pending, enough}, return_when=asyncio.FIRST_COMPLETED)
        if enough.done():
            for expert in pending:
                expert.cancel()
            break
    await task(f"decide by {sum(expert.done() and not expert.cancelled() for expert in experts)}")


async def test_27_complete_multiple_instance_activity(case: Case):
    """Somebody completes the whole early: the rest is withdrawn, and the process goes on with what there is."""
    await case.start(complete_instances)
    await case.complete("expert-2", "enough")
    assert await case.enabled() == ["decide by 1"]
    await case.complete("decide by 1")
    await case.result()


async def test_27_instances_may_also_complete_by_themselves(case: Case):
    """Nobody has to say that it is enough: when all instances have completed, the process goes on."""
    await case.start(complete_instances)
    await case.complete("expert-0", "expert-1", "expert-2")
    assert "decide by 3" in await case.enabled()
