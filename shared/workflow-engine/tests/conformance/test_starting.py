"""Options of a start, and runs that come from elsewhere."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maestro_workflow_engine import (
    Conflict,
    Reuse,
    RunExistsError,
    StartOptions,
    WorkflowCancelledError,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowTerminatedError,
    receive,
    set_attributes,
    step,
    step_info,
    workflow,
)

pytestmark = pytest.mark.capability("taken-ids")

SOON = timedelta(seconds=30)
SECOND = timedelta(seconds=1)
keys_seen: list[str] = []


@step
async def act(what: str) -> str:
    keys_seen.append(step_info().idempotency_key)
    if what == "break":
        raise ValueError("broken")
    return what


@workflow
async def order(what: str) -> str:
    if what == "wait":
        what = str(await receive("go"))
    return await act(what)


@workflow
async def tagged(customer: str) -> str:
    set_attributes(stage="begun", tries=1)
    await receive("go")
    set_attributes(stage="done", tries=None)
    return customer


async def test_what_becomes_of_a_start_whose_id_is_taken(place):
    """if_running and if_ended mean on a cluster what they mean in a journal; no two runs of an id share an idempotency key."""
    keys_seen.clear()
    async with place.engine(workflows=[order]) as engine:

        async def start(what: str, **options: object) -> str:
            return await (await engine.start(order, what, id="o", options=StartOptions(**options))).result(SOON)

        await engine.start(order, "wait", id="o")
        with pytest.raises(RunExistsError) as running:
            await start("a", if_running=Conflict.FAIL)
        assert running.value.status == "running"
        first = asyncio.create_task(engine.handle("o").result(SOON))
        await asyncio.sleep(0)
        assert await start("b", if_running=Conflict.CANCEL_EXISTING) == "b"
        with pytest.raises(WorkflowCancelledError):
            await first
        with pytest.raises(RunExistsError):
            await start("c", if_ended=Reuse.FAIL)
        assert await start("c") == "b"
        assert await start("c", if_ended=Reuse.START_ANEW_IF_FAILED) == "b"
        with pytest.raises(WorkflowFailedError):
            await start("break", if_ended=Reuse.START_ANEW)
        assert await start("d", if_ended=Reuse.START_ANEW_IF_FAILED) == "d"
        assert len(set(keys_seen)) == len(keys_seen) == 3
        await engine.start(order, "wait", id="t")
        old = asyncio.create_task(engine.handle("t").result(SOON))
        await asyncio.sleep(0)
        options = StartOptions(if_running=Conflict.TERMINATE_EXISTING)
        assert await (await engine.start(order, "e", id="t", options=options)).result(SOON) == "e"
        with pytest.raises(WorkflowTerminatedError):
            await old


@pytest.mark.capability("delays")
async def test_a_delayed_run_begins_at_its_time_and_no_signal_makes_it_earlier(place):
    """Neither delay nor start_at is cut short; the signal waits with the run."""
    async with place.engine(workflows=[order]) as engine:
        begin = datetime.now(UTC) + SECOND
        by_time = await engine.start(order, "wait", options=StartOptions(start_at=begin))
        by_delay = await engine.start(order, "b", options=StartOptions(delay=SECOND))
        await by_time.signal("go", "a")
        assert [await by_time.result(SOON), await by_delay.result(SOON)] == ["a", "b"]
        for handle in (by_time, by_delay):
            done = next(event for event in await handle.history() if event.type == "step_completed")
            assert done.time >= begin


@pytest.mark.capability("importing")
async def test_a_run_of_another_engine_goes_on_here(place):
    """What has completed comes along and does not run again."""
    async with WorkflowEngine("sqlite://", workflows=[tagged]) as engine:
        handle = await engine.start(tagged, "x", id="moved")
        async with asyncio.timeout(20):
            while (await handle.status()).attributes != {"stage": "begun", "tries": 1}:
                await asyncio.sleep(0.002)
        left = await handle.export_history()
    async with place.engine(workflows=[tagged]) as engine:
        handle = await engine.import_run(left)
        assert (await handle.status()).attributes == {"stage": "begun", "tries": 1}
        await handle.signal("go")
        assert await handle.result(SOON) == "x"
        assert [event.type for event in await handle.history()].count("attributes_set") == 2


@pytest.mark.capability("ended-imports")
async def test_a_run_that_has_ended_can_be_taken_over(place):
    """Its history and its result are kept."""
    async with WorkflowEngine("sqlite://", workflows=[order]) as engine:
        done = await engine.start(order, "a", id="done")
        await done.result(SOON)
        ended = await done.export_history()
    async with place.engine(workflows=[order]) as engine:
        assert await (await engine.import_run(ended)).result(SOON) == "a"
