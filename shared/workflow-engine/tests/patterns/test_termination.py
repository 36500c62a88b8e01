"""Termination patterns: 11 and 43."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pattern_driving import Case, task

from maestro_workflow_engine import RunStatus, receive, workflow


@workflow
async def implicit_termination() -> None:
    async with asyncio.TaskGroup() as group:

        async def complaint() -> None:
            await task("register")
            group.create_task(task("answer"))
            group.create_task(task("improve"))

        group.create_task(complaint())
        group.create_task(task("thank"))


async def test_11_implicit_termination(case: Case):
    """The run completes when nothing is left to do, whichever task was the last and whoever started it."""
    await case.start(implicit_termination)
    await case.complete("thank", "register", "improve")
    assert (await case.detail()).status is RunStatus.RUNNING
    await case.complete("answer")
    await case.result()
    assert case.done == ["thank", "register", "improve", "answer"]


@workflow
async def deadlocked() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(task("A"))
        group.create_task(asyncio.Event().wait())


async def test_11_a_deadlock_is_no_completion(case: Case):
    """A run in which something waits that nothing can ever end is not recorded as completed."""
    await case.start(deadlocked)
    await case.complete("A")
    await case.sleep(timedelta(days=365))
    detail = await case.detail()
    assert detail.status is RunStatus.RUNNING
    assert detail.waiting_for == []


@workflow
async def reminding() -> None:
    await receive("never")


@workflow
async def explicit_termination() -> str:
    async def beside() -> None:
        await task("assess")
        await task("pay")

    tasks = [asyncio.create_task(beside()), asyncio.create_task(_reminded())]
    withdrawn = asyncio.create_task(task("withdraw"))
    await asyncio.wait([*tasks, withdrawn], return_when=asyncio.FIRST_COMPLETED)
    return "withdrawn"


async def _reminded() -> None:
    await reminding()


async def test_43_explicit_termination(case: Case):
    """At the end node the run completes successfully; the tasks and children that are still under way are cancelled."""
    case.knows(reminding)
    await case.start(explicit_termination)
    (child,) = await case.children()
    await case.complete("withdraw")
    assert await case.result() == "withdrawn"
    assert (await case.detail(child)).status is RunStatus.CANCELLED
    await case.sleep(timedelta(days=1))
    assert case.done == ["withdraw"]
