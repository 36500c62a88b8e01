"""An engine that closes: what was under way goes on in the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    EngineClosedError,
    RetryPolicy,
    RunStatus,
    StepTotalTimeoutError,
    continue_as_new,
    receive,
    run_child,
    step,
    step_info,
    workflow,
)

pytestmark = pytest.mark.capability("restarts")

SOON = timedelta(seconds=30)
MS = timedelta(milliseconds=1)
ran: list[str] = []
attempts: list[int] = []


@pytest.fixture(autouse=True)
def _fresh():
    ran.clear()
    attempts.clear()


# An engine finds the steps of runs that it has not begun itself in their modules: none may be made inside a test.


@step
async def work(name: str) -> str:
    ran.append(name)
    return name


@step(retry=RetryPolicy(max_attempts=3, initial_interval=MS))
async def fragile() -> int:
    attempts.append(step_info().attempt)
    if len(attempts) == 1:
        raise OSError("first")
    if len(attempts) == 2:
        await asyncio.sleep(3600)
    return step_info().attempt


@step(total_timeout=300 * MS)
async def slow() -> None:
    attempts.append(step_info().attempt)
    await asyncio.sleep(3600)


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0.001)


async def test_runs_go_on_after_a_restart_and_finished_steps_do_not_run_again(place):
    """Close the engine in the middle, open it again: the run ends as if nothing had happened."""

    @workflow
    async def pauses() -> list[str]:
        first = await work("first")
        go = await receive("go")
        await asyncio.sleep(0.01)
        return [first, go, await work("last")]

    async with place.engine(workflows=[pauses]) as engine:
        handle = await engine.start(pauses, id="r")

        async def waits_for_its_signal() -> bool:
            return [wait.kind for wait in (await handle.status()).waiting_for] == ["signal"]

        await place.until(waits_for_its_signal)
    async with place.engine(workflows=[pauses]) as engine:
        await engine.handle("r").signal("go", "went")
        assert await engine.handle("r").result(SOON) == ["first", "went", "last"]
    assert ran == ["first", "last"]


async def test_a_step_that_was_running_runs_again_and_keeps_its_attempts(place):
    """Steps run at least once: an interrupted attempt is repeated, and earlier failures still count."""

    @workflow
    async def flow() -> int:
        return await fragile()

    async with place.engine(workflows=[flow]) as engine:
        await engine.start(flow, id="r")
        await until(lambda: attempts == [1, 2])
    async with place.engine(workflows=[flow]) as engine:
        assert await engine.handle("r").result(SOON) == 2
    assert attempts == [1, 2, 2]


async def test_sleeping_runs_wake_after_a_restart(place):
    """A timer that fell due while the engine was closed fires when it opens."""

    @workflow
    async def naps() -> str:
        await asyncio.sleep(0.05)
        return "awake"

    async with place.engine(workflows=[naps]) as engine:
        await engine.start(naps, id="r")
    await asyncio.sleep(0.06)
    async with place.engine(workflows=[naps]) as engine:
        assert await engine.handle("r").result(SOON) == "awake"


async def test_the_time_for_which_the_engine_is_closed_counts(place):
    """A restart does not extend a total timeout: a step that runs out of time meanwhile makes no further attempt."""

    @workflow
    async def flow() -> str:
        try:
            await slow()
        except StepTotalTimeoutError as error:
            return error.step
        return ""

    async with place.engine(workflows=[flow]) as engine:
        await engine.start(flow, id="r")
        await until(lambda: attempts == [1])
    await asyncio.sleep(0.35)
    async with place.engine(workflows=[flow]) as engine:
        assert await engine.handle("r").result(SOON) == "slow"
    assert attempts == [1]


async def test_a_run_is_shown_alike_before_and_after_a_restart(place):
    """The status of a run at work, of a paused one, of a child and of a later pass."""

    @workflow
    async def keep_asking(question: str) -> list[str]:
        answer = await receive("answer")
        if answer == "again":
            continue_as_new(f"{question}?")
        return [question, answer, await run_child(keep_asking, "child", id="the-child")]

    async with place.engine(workflows=[keep_asking]) as engine:
        first = await engine.start(keep_asking, "who", id="first")
        paused = await engine.start(keep_asking, "what", id="paused")
        parent = await engine.start(keep_asking, "how", id="parent")
        again = await engine.start(keep_asking, "why", id="again")
        for run_id in ("first", "paused"):
            await place.begun(engine, run_id)
        await paused.pause("for a while")
        await parent.signal("answer", "so")
        await again.signal("answer", "again")
        await place.begun(engine, "the-child")

        async def has_started_over() -> bool:
            detail = await again.status()
            return detail.input == "why?" and bool(detail.waiting_for)

        await place.until(has_started_over)
        before = [await handle.status() for handle in (first, paused, parent, again, engine.handle("the-child"))]
    async with place.engine(workflows=[keep_asking]) as engine:
        after = [await engine.handle(detail.id).status() for detail in before]
    assert after == before
    assert [(detail.input, detail.status, detail.parent_id) for detail in before] == [
        ("who", RunStatus.RUNNING, None),
        ("what", RunStatus.PAUSED, None),
        ("how", RunStatus.RUNNING, None),
        ("why?", RunStatus.RUNNING, None),
        ("child", RunStatus.RUNNING, "parent"),
    ]


async def test_a_closed_engine_says_so(place):
    """Use before opening or after closing is a clear error."""
    engine = place.engine(workflows=[])
    with pytest.raises(EngineClosedError, match="async with"):
        await engine.runs()
    async with engine:
        pass
    with pytest.raises(EngineClosedError):
        await engine.handle("r").history()


async def test_closing_while_somebody_waits_for_a_result(place):
    """A waiter learns that the engine closed instead of hanging."""

    @workflow
    async def waits() -> None:
        await receive("never")

    async with place.engine(workflows=[waits]) as engine:
        handle = await engine.start(waits)
        waiter = asyncio.create_task(handle.result())
        await asyncio.sleep(0)
    with pytest.raises(EngineClosedError):
        await waiter
