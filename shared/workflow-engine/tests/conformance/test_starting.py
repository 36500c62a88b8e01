"""Options of a start, and runs that come from elsewhere."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maestro_workflow_engine import (
    Conflict,
    Queue,
    QueueNotFoundError,
    Reuse,
    RunExistsError,
    StartOptions,
    WorkflowCancelledError,
    WorkflowConflictError,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowNotFoundError,
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


@workflow
async def holds() -> str:
    return str(await receive("go"))


@workflow
async def parent(is_held: bool) -> str:
    return await holds() if is_held else await order("a")


async def test_by_default_a_taken_id_is_the_same_run_whatever_the_input(place):
    """Open or ended, it is returned and nothing is started; of another workflow it is a conflict, whatever the options say."""
    async with place.engine(workflows=[order, holds]) as engine:
        first = await engine.start(order, "1", id="o")
        assert await first.result(SOON) == "1"
        assert await (await engine.start(order, "2", id="o")).result(SOON) == "1"
        with pytest.raises(WorkflowConflictError, match="of workflow 'order'"):
            await engine.start(holds, id="o", options=StartOptions(if_ended=Reuse.START_ANEW))


async def test_the_id_of_a_child_is_its_parents(place):
    """A child is not displaced, ended or at work: its parent looks for it under its id, and nothing is done to it."""
    async with place.engine(workflows=[parent, order, holds]) as engine:
        await (await engine.start(parent, False, id="done")).result(SOON)
        with pytest.raises(WorkflowConflictError, match="child"):
            await engine.start(order, "2", id="done.1", options=StartOptions(if_ended=Reuse.START_ANEW))
        await engine.start(parent, True, id="p")
        await place.begun(engine, "p.1")
        for policy in (Conflict.CANCEL_EXISTING, Conflict.TERMINATE_EXISTING):
            with pytest.raises(WorkflowConflictError, match="child"):
                await engine.start(holds, id="p.1", options=StartOptions(if_running=policy))
        await engine.handle("p.1").signal("go", "on")
        assert await engine.handle("p").result(SOON) == "on"


async def test_many_starts_anew_in_one_turn(place):
    """Each is acknowledged, and one run has the id in the end."""
    anew = StartOptions(if_ended=Reuse.START_ANEW)
    async with place.engine(workflows=[order]) as engine:
        await (await engine.start(order, "0", id="o")).result(SOON)
        handles = await asyncio.gather(*(engine.start(order, str(n), id="o", options=anew) for n in range(1, 9)))
        assert {handle.id for handle in handles} == {"o"}
        assert await engine.handle("o").result(SOON) in [str(n) for n in range(1, 9)]


async def test_a_run_that_is_watched_is_not_mixed_up_with_the_next_of_its_id(place):
    """Whoever follows a run sees its end, also when another run takes its id in the same moment."""
    async with place.engine(workflows=[holds]) as engine:
        await engine.start(holds, id="w")
        await place.begun(engine, "w")
        first = asyncio.Event()

        async def follow() -> list[str]:
            seen = []
            async for event in engine.watch("w"):
                seen.append(event.type)
                first.set()
            return seen

        followed = asyncio.create_task(follow())
        await first.wait()
        await engine.start(holds, id="w", options=StartOptions(if_running=Conflict.TERMINATE_EXISTING))
        async with asyncio.timeout(20):
            assert await followed == ["run_started", "run_terminated"]


@pytest.mark.capability("tenants")
async def test_a_start_in_a_queue_that_is_not_declared_is_refused(place):
    """The error names the queues there are, and nothing is started."""
    async with place.engine(workflows=[order], queues=[Queue("mail")]) as engine:
        with pytest.raises(QueueNotFoundError, match="mail"):
            await engine.start(order, "a", id="r", options=StartOptions(queue="post"))
        with pytest.raises(WorkflowNotFoundError):
            await engine.handle("r").status()


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
