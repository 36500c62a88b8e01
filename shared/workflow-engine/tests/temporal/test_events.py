"""Events on a cluster: the hub begins anew, seals what it keeps, outlives its workers; and runs that were refused events stay so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from maestro_workflow_engine import AesGcmCodec, UnsupportedByRunnerError, WorkflowEngine, WorkflowHandle
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.dsl import DocumentSchedules, load_document
from maestro_workflow_engine.temporal._address import parse
from maestro_workflow_engine.temporal._hosted import HostedRun, House
from maestro_workflow_engine.temporal._machine import HostedMachine
from maestro_workflow_engine.temporal._steps import Steps
from maestro_workflow_engine.temporal.events import _hub
from maestro_workflow_engine.temporal.events._wire import hub_of

SOON = timedelta(seconds=30)
HEAD = "document: {dsl: '1.0.3', namespace: test, name: NAME, version: 1.0.0}\n"
COUNT = load_document(
    HEAD.replace("NAME", "count") + "do: [{w: {listen: {to: {any: [{with: {type: a}}], until: 'length == 12'}}}}]"
)
MANY = load_document(
    HEAD.replace("NAME", "many") + "do: [{w: {listen: {to: {any: [{with: {type: a}}], until: 'length == 60'}}}}]"
)
ONE = load_document(
    HEAD.replace("NAME", "one")
    + "do: [{w: {listen: {to: {one: {with: {type: a}, correlate: {w: {from: .data.word, expect: '${ .word }'}}}}}}}]"
)
EMIT = load_document(
    HEAD.replace("NAME", "emit")
    + "do: [{t: {try: [{e: {emit: {event: {with: {type: a}}}}}], catch: {do: [{s: {set: {why: '${ $error.detail }'}}}]}}}]"
)
CRON = load_document(HEAD.replace("NAME", "cron") + "schedule: {cron: '0 3 * * *'}\ndo: [{s: {set: {n: 1}}}]")


def event(number: int, data: Any = None) -> dict[str, Any]:
    return {"id": str(number), "source": "tests", "type": "a", "data": number if data is None else data}


async def listens(*handles: WorkflowHandle[Any]) -> None:
    async with asyncio.timeout(30):
        for handle in handles:
            while not any(wait.kind == "event" for wait in (await handle.status()).waiting_for):
                await asyncio.sleep(0.01)


async def passes(url: str) -> list[WorkflowHistory]:
    """Return the histories of the hub, one for each pass."""
    address = parse(url)
    client = await Client.connect(address.target, namespace=address.namespace)
    hub = hub_of(address.task_queue)
    run_id, found = (
        (await client.get_workflow_handle(hub).describe()).raw_description.workflow_execution_info.first_run_id,
        [],
    )
    while run_id:
        found.append(await client.get_workflow_handle(hub, run_id=run_id).fetch_history())
        run_id = found[-1].events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return found


async def test_the_hub_begins_anew_and_nothing_is_lost(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under load: every listener hears each event once and in order, and what has come is known over passes."""
    monkeypatch.setattr(_hub, "MOST_BATCHES", 5)
    async with WorkflowEngine(cluster, workflows=[COUNT.as_workflow()]) as engine:
        handles = [await engine.start(COUNT.qualified_name, id=f"r{number}") for number in range(3)]
        await listens(*handles)
        for number in range(12):
            assert await engine.publish_event(event(number))
        for handle in handles:
            assert await handle.result(SOON) == list(range(12))
            assert [e.type for e in await handle.history()].count("event_received") == 12
        assert not await engine.publish_event(event(0))
    assert len(await passes(cluster)) >= 3


async def test_a_flood_is_heard_whole(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many at once, from two engines, over passes of the hub: each once, in one order for all."""
    monkeypatch.setattr(_hub, "MOST_BATCHES", 4)
    async with (
        WorkflowEngine(cluster, workflows=[MANY.as_workflow()]) as engine,
        WorkflowEngine(cluster, workflows=[MANY.as_workflow()]) as other,
    ):
        handles = [await engine.start(MANY.qualified_name, id=f"r{number}") for number in range(2)]
        await listens(*handles)
        sent = [each.publish_event(event(number)) for number in range(60) for each in (engine, other)]
        assert sum(await asyncio.gather(*sent)) == 60
        first, second = [await handle.result(SOON) for handle in handles]
    assert first == second
    assert sorted(first) == list(range(60))


async def test_all_that_the_hub_keeps_is_sealed(cluster: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Filters, events and what goes from pass to pass; large events are in the payload store, whatever size they have."""
    monkeypatch.setattr(_hub, "MOST_BATCHES", 2)
    options: dict[str, Any] = {
        "workflows": [ONE.as_workflow()],
        "codec": AesGcmCodec({"k1": b"k" * 32}, active="k1"),
        "payload_store": f"file://{tmp_path}",
    }
    large = {"word": "sesame", "text": "sesame" * 500_000}
    async with WorkflowEngine(cluster, **options) as engine:
        handle = await engine.start(ONE.qualified_name, {"word": "sesame"}, id="r")
        await listens(handle)
        for number in range(4):
            await engine.publish_event(event(number, {"word": "other"}))
        await engine.publish_event(event(9, large))
        assert await handle.result(SOON) == [large]
    found = await passes(cluster)
    assert len(found) >= 2
    kept = b"".join(each.SerializeToString() for history in found for each in history.events)
    assert b"sesame" not in kept
    assert b"other" not in kept
    assert len(kept) < 1_000_000
    assert not any(b"sesame" in file.read_bytes() for file in _files(tmp_path))


async def test_another_worker_takes_over_the_hub(cluster: str) -> None:
    """One that listened through an engine that is gone is heard through the next one; who asks the hub to stop is not."""
    async with WorkflowEngine(cluster, workflows=[ONE.as_workflow()]) as engine:
        async with WorkflowEngine(cluster, workflows=[ONE.as_workflow()]) as other:
            handle = await other.start(ONE.qualified_name, {"word": "x"}, id="r")
            await listens(handle)
            await engine.handle(hub_of("tests")).cancel()
            await other.publish_event(event(1, {"word": "y"}))
        await engine.publish_event(event(2, {"word": "x"}))
        assert await engine.handle("r").result(SOON) == [{"word": "x"}]
        assert [run.id for run in (await engine.runs()).runs if run.id != "r"] == []


async def test_a_run_that_was_refused_events_replays(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It began under a release that had none on a cluster, and goes on without."""

    def refuse(machine: HostedMachine) -> None:
        raise UnsupportedByRunnerError("events", "temporal", "wait for a later release")

    with monkeypatch.context() as earlier:
        earlier.setattr(HostedMachine, "check_events", refuse)
        earlier.setattr(HostedMachine, "has_events", False)
        async with WorkflowEngine(cluster, workflows=[EMIT.as_workflow(lifecycle_events=True)]) as engine:
            assert "later release" in (await (await engine.start(EMIT.qualified_name, id="r")).result(SOON))["why"]
    address = parse(cluster)
    client = await Client.connect(address.target, namespace=address.namespace)
    history = await client.get_workflow_handle("r").fetch_history()
    house = House(WorkflowRegistry([EMIT.as_workflow(lifecycle_events=True)]), Steps(), address)
    with house.threads(2) as threads:
        replayer = Replayer(
            workflows=[HostedRun],
            workflow_runner=UnsandboxedWorkflowRunner(),
            workflow_task_executor=threads,
            build_id="tests",
        )
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    house.clear()
    assert result.replay_failure is None


async def test_a_document_is_scheduled_by_time(cluster: str) -> None:
    """Cron schedules are the cluster's own."""
    async with WorkflowEngine(cluster, workflows=[CRON.as_workflow()]) as engine:
        await DocumentSchedules(engine).put(CRON)
        assert [each.id for each in await engine.schedules()] == ["test.cron.cron"]
        await DocumentSchedules(engine).remove("test", "cron")
        assert await engine.schedules() == []


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
