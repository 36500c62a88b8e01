"""What an engine with its own journal does beyond what a cluster can: there each is refused by name."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    Debounce,
    Queue,
    Retention,
    RunStatus,
    Singleton,
    SingletonPolicy,
    StartOptions,
    WorkflowFailedError,
    WorkflowNotFoundError,
    receive,
    run_child,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("queues")

SOON = timedelta(seconds=20)
SECOND = timedelta(seconds=1)


@step
async def act(what: str) -> str:
    return what


@workflow
async def order(what: str) -> str:
    return await act(str(await receive("go")) if what == "wait" else what)


@pytest.mark.capability("unknown-children")
async def test_a_child_that_nobody_registered_is_an_error_in_its_parent(place):
    """One engine knows all workflows there are, so that a wrong name is told at once; on a cluster another worker may know it."""

    @workflow
    async def parent() -> str:
        try:
            await run_child("cube", 1)
        except WorkflowFailedError as error:
            return error.failure.type.rpartition(":")[2]
        return "nothing"

    async with place.engine(workflows=[parent]) as engine:
        handle = await engine.start(parent, id="p")
        if place.runner == "embedded":
            assert await handle.result(SOON) == "WorkflowNotFoundError"
        else:
            await place.until(lambda: _waits_for_a_child(handle))
            await handle.terminate()


async def _waits_for_a_child(handle) -> bool:
    return [(wait.kind, wait.name) for wait in (await handle.status()).waiting_for] == [("child", "cube")]


async def test_a_queue_lets_so_many_run_at_once(place):
    """The others wait in line."""
    async with place.engine(workflows=[order], queues=[Queue("q", concurrency=1)]) as engine:
        first, second = [await engine.start(order, "wait", options=StartOptions(queue="q")) for _ in range(2)]
        assert (await second.status()).status is RunStatus.QUEUED
        await first.signal("go", "a")
        await second.signal("go", "b")
        assert [await first.result(SOON), await second.result(SOON)] == ["a", "b"]


async def test_a_run_is_moved_within_its_queue(place):
    """By another priority."""
    queue = Queue("q") if place.runner == "temporal" else Queue("q", concurrency=1)
    async with place.engine(workflows=[order], queues=[queue]) as engine:
        for name in ("first", "second", "third"):
            await engine.start(order, "wait", id=name, options=StartOptions(queue="q"))
        await engine.handle("third").reprioritize(0)
        assert [run.id for run in (await engine.runs(status="queued")).runs] != []


async def test_a_queue_shows_who_waits(place):
    """How many run and how many wait."""
    queue = Queue("q") if place.runner == "temporal" else Queue("q", concurrency=1)
    async with place.engine(workflows=[order], queues=[queue]) as engine:
        for _ in range(3):
            await engine.start(order, "wait", options=StartOptions(queue="q"))
        info = await engine.queue("q").describe()
        assert (info.running, info.waiting) == (1, 2)


@pytest.mark.capability("tenants")
async def test_a_queue_gives_priority_and_tenant(place):
    """Runs are started with them and end as they should."""
    async with place.engine(workflows=[order], queues=[Queue("mail")]) as engine:
        options = StartOptions(queue="mail", priority=0, tenant="t" * 200)
        assert await (await engine.start(order, "a", options=options)).result(SOON) == "a"


@pytest.mark.capability("keys")
async def test_starts_in_a_burst_become_one_run(place):
    """The last input counts."""
    async with place.engine(workflows=[order]) as engine:
        options = StartOptions(debounce=Debounce("k", timedelta(milliseconds=50)))
        handles = [await engine.start(order, what, options=options) for what in "abc"]
        assert {await handle.result(SOON) for handle in handles} == {"c"}


@pytest.mark.capability("keys")
async def test_a_key_has_one_open_run(place):
    """A second start finds the first."""
    async with place.engine(workflows=[order]) as engine:
        options = StartOptions(singleton=Singleton("k", SingletonPolicy.USE_EXISTING))
        assert len({(await engine.start(order, "wait", options=options)).id for _ in range(2)}) == 1


@pytest.mark.capability("pausing-workflows")
async def test_a_workflow_is_paused_as_a_whole(place):
    """Nothing of it starts until it is resumed."""
    async with place.engine(workflows=[order]) as engine:
        await engine.pause_workflow("order")
        handle = await engine.start(order, "a")
        assert [event.type for event in await handle.history()] == ["run_started"]
        await engine.resume_workflow("order")
        assert await handle.result(SOON) == "a"


@pytest.mark.capability("pausing-workflows")
async def test_a_queue_is_paused(place):
    """Nothing of it begins until it is resumed."""
    async with place.engine(workflows=[order], queues=[Queue("q")]) as engine:
        await engine.queue("q").pause()
        handle = await engine.start(order, "a", options=StartOptions(queue="q"))
        assert (await handle.status()).status is RunStatus.QUEUED
        await engine.queue("q").resume()
        assert await handle.result(SOON) == "a"


@pytest.mark.capability("retention")
async def test_what_has_ended_is_purged(place):
    """On request, by age."""
    async with place.engine(workflows=[order]) as engine:
        await (await engine.start(order, "a", id="r")).result(SOON)
        assert (await engine.purge(older_than=timedelta(0))).runs == 1
        with pytest.raises(WorkflowNotFoundError):
            await engine.handle("r").status()


@pytest.mark.capability("retention")
async def test_what_has_ended_goes_by_a_rule(place):
    """After its time."""
    async with place.engine(workflows=[order], retention=Retention(completed=timedelta(milliseconds=1))) as engine:
        await (await engine.start(order, "a", id="r")).result(SOON)
        async with asyncio.timeout(20):
            while (await engine.runs()).runs:
                await asyncio.sleep(0.01)


@pytest.mark.capability("retention")
async def test_a_run_is_deleted(place):
    """One that has ended is gone."""
    async with place.engine(workflows=[order]) as engine:
        handle = await engine.start(order, "a", id="r")
        await handle.result(SOON)
        await handle.delete()
        with pytest.raises(WorkflowNotFoundError):
            await handle.status()
