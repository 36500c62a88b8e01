"""How runs are started on a cluster, found there, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    Conflict,
    CronSpec,
    Debounce,
    Queue,
    QueueNotFoundError,
    Rate,
    Retention,
    Reuse,
    RunExistsError,
    RunStatus,
    Singleton,
    StartOptions,
    UnsupportedByRunnerError,
    WorkflowCancelledError,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowTerminatedError,
    between,
    one_of,
    receive,
    set_attributes,
    step,
    step_info,
    workflow,
)

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


async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so: a cluster lists a change a little later."""
    async with asyncio.timeout(20):
        while not await wanted():
            await asyncio.sleep(0.02)


async def test_what_becomes_of_a_start_whose_id_is_taken(cluster: str):
    """if_running and if_ended mean on a cluster what they mean in a journal; no two runs of an id share an idempotency key."""
    keys_seen.clear()
    async with WorkflowEngine(cluster, workflows=[order]) as engine:

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
        assert keys_seen == ["o/1", "o/2", "o/3"]
        await engine.start(order, "wait", id="t")
        old = asyncio.create_task(engine.handle("t").result(SOON))
        await asyncio.sleep(0)
        options = StartOptions(if_running=Conflict.TERMINATE_EXISTING)
        assert await (await engine.start(order, "e", id="t", options=options)).result(SOON) == "e"
        with pytest.raises(WorkflowTerminatedError):
            await old


async def test_a_delayed_run_begins_at_its_time_and_no_signal_makes_it_earlier(cluster: str):
    """Neither delay nor start_at is cut short; the signal waits with the run."""
    async with WorkflowEngine(cluster, workflows=[order]) as engine:
        begin = datetime.now(UTC) + SECOND
        by_time = await engine.start(order, "wait", options=StartOptions(start_at=begin))
        by_delay = await engine.start(order, "b", options=StartOptions(delay=SECOND))
        await by_time.signal("go", "a")
        assert [await by_time.result(SOON), await by_delay.result(SOON)] == ["a", "b"]
        for handle in (by_time, by_delay):
            done = next(event for event in await handle.history() if event.type == "step_completed")
            assert done.time >= begin


async def test_a_queue_without_limits_gives_priority_and_tenant(cluster: str):
    """The cluster takes its levels and keys; a queue that is not declared is refused."""
    async with WorkflowEngine(cluster, workflows=[order], queues=[Queue("mail")]) as engine:
        options = StartOptions(queue="mail", priority=0, tenant="t" * 200)
        assert await (await engine.start(order, "a", id="p", options=options)).result(SOON) == "a"
        with pytest.raises(QueueNotFoundError, match="declared are mail"):
            await engine.start(order, "a", options=StartOptions(queue="post"))
        found = await engine._runner.reading.description("p")
        priority = found.raw_info.priority
        assert (priority.priority_key, len(priority.fairness_key)) == (1, 64)


async def test_attributes_are_shown_and_found(cluster: str):
    """Those of the start and those that the code sets; by value, by several, with version, status and id."""
    async with WorkflowEngine(cluster, workflows=[tagged, order]) as engine:
        options = StartOptions(attributes={"customer": "x' y", "tags": ["a", "b"]})
        handle = await engine.start(tagged, "x", id="tagged-1", options=options)
        await engine.start(order, "wait", id="other")

        async def ids(**wanted: object) -> list[str]:
            return sorted(run.id for run in (await engine.runs(**wanted)).runs)

        async def is_found() -> bool:
            return await ids(attributes={"stage": "begun", "tries": 1.0}) == ["tagged-1"]

        await until(is_found)
        assert await ids(attributes={"customer": "x' y", "tags": "b"}, version="1.0.0", id_prefix="tag") == ["tagged-1"]
        assert await ids(attributes={"stage": one_of("done", "begun")}, workflow="tagged") == ["tagged-1"]
        assert await ids(attributes={"tries": True}) == []
        assert (await handle.status()).attributes == {
            "customer": "x' y", "tags": ["a", "b"], "stage": "begun", "tries": 1,
        }  # fmt: skip
        await handle.signal("go")
        await handle.result(SOON)
        assert (await handle.status()).attributes == {"customer": "x' y", "tags": ["a", "b"], "stage": "done"}
        assert [e.data["attributes"] for e in await handle.history() if e.type == "attributes_set"] == [
            {"stage": "begun", "tries": 1}, {"stage": "done", "tries": None},
        ]  # fmt: skip

        async def has_ended() -> bool:
            return await engine.count(status=RunStatus.COMPLETED, attributes={"stage": "done"}) == 1

        await until(has_ended)
        assert await engine.count(status="running") == 1


async def test_pages_hold_each_run_once(cluster: str):
    """A cursor goes on where the page ended, and belongs to its filter."""
    async with WorkflowEngine(cluster, workflows=[order]) as engine:
        for number in range(5):
            await (await engine.start(order, "a", id=f"r{number}")).result(SOON)

        async def all_listed() -> bool:
            return await engine.count(status="completed") == 5

        await until(all_listed)
        first = await engine.runs(status="completed", limit=3)
        rest = await engine.runs(status="completed", limit=3, cursor=first.next_cursor)
        assert sorted(run.id for run in [*first.runs, *rest.runs]) == [f"r{number}" for number in range(5)]
        for wrong in ({"status": "completed", "cursor": "x"}, {"cursor": first.next_cursor}):
            with pytest.raises(ValueError, match="cursor"):
                await engine.runs(**wrong)


async def test_what_a_cluster_cannot_do_is_one_typed_error(cluster: str):
    """Nothing is ignored in silence: each names the feature and what to do instead."""
    with pytest.raises(UnsupportedByRunnerError, match="queue with limits"):
        WorkflowEngine(cluster, queues=[Queue("q", rate=Rate(1, SECOND))])
    with pytest.raises(UnsupportedByRunnerError, match="retention"):
        WorkflowEngine(cluster, retention=Retention(completed=SECOND))
    async with WorkflowEngine(cluster, workflows=[order], queues=[Queue("q")]) as engine:
        refused: list[Callable[[], Awaitable[object]]] = [
            lambda: engine.start(order, "a", options=StartOptions(debounce=Debounce("k", SECOND))),
            lambda: engine.start(order, "a", options=StartOptions(singleton=Singleton("k"))),
            lambda: engine.pause_workflow("order"),
            lambda: engine.resume_workflow("order"),
            lambda: engine.purge(older_than=SECOND),
            lambda: engine.queue("q").pause(),
            engine.queues,
            lambda: engine.runs(status="paused"),
            lambda: engine.runs(order="oldest"),
            lambda: engine.runs(attributes={"a": between(1, 2)}),
        ]
        for ask in refused:
            with pytest.raises(UnsupportedByRunnerError) as caught:
                await ask()
            assert (caught.value.code, caught.value.runner) == ("UNSUPPORTED_BY_RUNNER", "temporal")
        with pytest.raises(UnsupportedByRunnerError, match="limits"):
            engine.declare_queue(Queue("q", concurrency=1))
        assert await engine.count() == 0


async def test_payloads_are_encoded_before_they_reach_the_cluster(cluster: str):
    """With a codec the cluster's own history shows no value in clear."""
    codec = AesGcmCodec({"k1": b"k" * 32}, active="k1")
    async with WorkflowEngine(cluster, workflows=[order], codec=codec) as engine:
        handle = await engine.start(order, "wait", id="secret")
        await handle.signal("go", "a word nobody may read")
        assert await handle.result(SOON) == "a word nobody may read"
        kept = await engine._runner.reading._client.get_workflow_handle("secret").fetch_history()
        assert "nobody may read" not in kept.to_json()
        assert b"nobody may read" not in b"".join(event.SerializeToString() for event in kept.events)


async def test_a_schedule_is_kept_by_the_cluster(cluster: str):
    """It is made, triggered, changed, paused, listed and deleted as in a journal."""
    async with WorkflowEngine(cluster, workflows=[order]) as engine:
        kept = await engine.schedule("nightly", order, "a", spec=CronSpec("0 3 * * *", "Europe/Berlin"))
        assert await (await kept.trigger()).result(SOON) == "a"
        found = await kept.describe()
        assert (found.workflow, found.input, found.spec) == ("order", "a", CronSpec("0 3 * * *", "Europe/Berlin"))
        await kept.update(spec=CronSpec("0 4 * * *"))
        await kept.pause("holiday")
        assert [(s.id, s.spec, s.paused, s.note) for s in await engine.schedules()] == [
            ("nightly", CronSpec("0 4 * * *"), True, "holiday")
        ]
        await kept.delete()
        assert await engine.schedules() == []


async def test_a_run_of_a_journal_goes_on_on_a_cluster(cluster: str):
    """What has completed comes along and does not run again; a run that has ended stays where it is."""
    async with WorkflowEngine("sqlite://", workflows=[tagged]) as engine:
        handle = await engine.start(tagged, "x", id="moved")
        done = await engine.start(tagged, "y", id="done")
        await done.signal("go")
        await done.result(SOON)
        left, ended = await handle.export_history(), await done.export_history()
    async with WorkflowEngine(cluster, workflows=[tagged]) as engine:
        handle = await engine.import_run(left)
        assert (await handle.status()).attributes == {"stage": "begun", "tries": 1}
        await handle.signal("go")
        assert await handle.result(SOON) == "x"
        assert [event.type for event in await handle.history()].count("attributes_set") == 2
        with pytest.raises(UnsupportedByRunnerError, match="have ended"):
            await engine.import_run(ended)


async def test_large_payloads_go_to_the_store(cluster: str, tmp_path: Path):
    """The cluster keeps a reference; both ends of the run read the value."""
    options = {"payload_store": f"file://{tmp_path}/store", "payload_limit_bytes": 1000}
    async with WorkflowEngine(cluster, workflows=[order], **options) as engine:
        handle = await engine.start(order, "x" * 5000, id="large")
        assert await handle.result(SOON) == "x" * 5000
        assert (await handle.status()).input == "x" * 5000
        kept = await engine._runner.reading._client.get_workflow_handle("large").fetch_history()
        assert not any(b"x" * 100 in event.SerializeToString() for event in kept.events)
