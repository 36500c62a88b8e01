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

pytestmark = pytest.mark.capability("many-runs")

SOON = timedelta(seconds=30)
is_broken = asyncio.Event()


@step
async def fragile() -> str:
    if is_broken.is_set():
        raise OSError("down")
    return "up"


@workflow
async def waits() -> str:
    return str(await receive("go"))


@workflow
async def flow(is_wrong: bool) -> str:
    if is_wrong:
        raise ValueError("bug")
    return await fragile()


async def start(engine: WorkflowEngine, count: int, customer: str) -> None:
    options = StartOptions(attributes={"customer": customer})
    await asyncio.gather(*(engine.start(waits, id=f"{customer}{n}", options=options) for n in range(count)))


async def listed(place, engine: WorkflowEngine, **wanted: int) -> None:
    """Wait until a listing has so many runs of each status, and no others."""

    async def are_listed() -> bool:
        found = {status: await engine.count(status=status) for status in wanted}
        return found == wanted and await engine.count() == sum(wanted.values())

    await place.until(are_listed)


async def test_what_a_filter_means_is_cancelled_and_nothing_else(place):
    """Over more than one page; who has ended is not asked, and the number of those that were is told."""
    async with place.engine(workflows=[waits], max_workflows_in_memory=10) as engine:
        await start(engine, 115, "acme")
        await start(engine, 5, "b")
        await engine.handle("acme7").signal("go")
        await engine.handle("acme7").result(SOON)
        await listed(place, engine, running=119, completed=1)
        wanted = RunFilter(attributes={"customer": "acme"})
        assert await engine.cancel_all(wanted, "no longer wanted") == 114
        await listed(place, engine, running=5, completed=1, cancelled=114)
        history = await engine.handle("acme9").history()
        assert [event.data["reason"] for event in history if event.type == "cancel_requested"] == ["no longer wanted"]


async def test_a_paused_run_is_cancelled_with_the_others_once_it_goes_on(place):
    """It keeps the request until it is resumed."""
    async with place.engine(workflows=[waits]) as engine:
        await start(engine, 3, "a")
        await engine.handle("a1").pause()

        async def are_listed() -> bool:
            return await engine.count() == 3

        await place.until(are_listed)
        assert await engine.cancel_all(RunFilter()) == 3
        async with asyncio.timeout(20):
            for run_id in ("a0", "a2"):
                async for _ in engine.watch(run_id):
                    pass
        assert (await engine.handle("a1").status()).status is RunStatus.PAUSED
        await engine.handle("a1").resume()
        async with asyncio.timeout(20):
            async for _ in engine.watch("a1"):
                pass
        assert [(await engine.handle(f"a{n}").status()).status for n in range(3)] == [RunStatus.CANCELLED] * 3


async def test_many_are_paused_resumed_and_terminated(place):
    """Each takes those it can be done to, and does it again harmlessly."""
    async with place.engine(workflows=[waits]) as engine:
        await start(engine, 5, "a")
        await start(engine, 3, "b")
        await listed(place, engine, running=8)
        only_a = RunFilter(id_prefix="a")

        async def paused() -> list[str]:
            names = [*(f"a{n}" for n in range(5)), *(f"b{n}" for n in range(3))]
            return [name for name in names if (await engine.handle(name).status()).status is RunStatus.PAUSED]

        assert [await engine.pause_all(only_a, "audit") for _ in range(2)] == [5, 0]
        assert await paused() == [f"a{n}" for n in range(5)]
        assert [await engine.resume_all(RunFilter()) for _ in range(2)] == [5, 0]
        assert await paused() == []
        assert await engine.pause_all(RunFilter(id_prefix="a1")) == 1
        assert await engine.terminate_all(only_a, "over") == 5
        await listed(place, engine, running=3, terminated=5)
        assert await engine.terminate_all(only_a, "over") == 0


async def test_failed_runs_go_on_once_the_cause_is_mended(place):
    """Those that failed in a step do; one whose own code failed is left alone and not counted."""
    is_broken.set()
    async with place.engine(workflows=[flow]) as engine:
        handles = [await engine.start(flow, number == 0) for number in range(4)]
        for handle in handles:
            with pytest.raises(WorkflowFailedError):
                await handle.result(SOON)
        await listed(place, engine, failed=4)
        is_broken.clear()
        assert await engine.retry_all(RunFilter(workflow="flow")) == 3
        for handle in handles[1:]:
            assert await handle.result(SOON) == "up"
        assert (await handles[0].status()).status is RunStatus.FAILED
