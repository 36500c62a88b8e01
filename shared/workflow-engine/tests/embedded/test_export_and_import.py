"""Runs that leave one journal as JSON and go on in another."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from maestro_workflow_engine import (
    JournalWriteError,
    RunStatus,
    WorkflowDefinition,
    WorkflowEngine,
    WorkflowFailedError,
    continue_as_new,
    read_history,
    receive,
    replay,
    step,
    workflow,
)
from maestro_workflow_engine._history_document import history_document
from maestro_workflow_engine.embedded._runner import EmbeddedRunner

SOON = timedelta(seconds=20)
ran: list[str] = []


@step
async def note(text: str) -> str:
    ran.append(text)
    return text


@step
async def fail() -> None:
    raise ValueError("no")


@workflow
async def talk(name: str) -> list[str]:
    first = await note(f"{name}-first")
    answer = await receive("answer")
    await asyncio.sleep(0.01)
    return [first, answer, await note(f"{name}-last")]


@workflow
async def fails() -> None:
    await fail()


@workflow
async def again(left: int) -> str:
    await note(f"again-{left}")
    if left:
        continue_as_new(left - 1)
    return str(await receive("end"))


WORKFLOWS: list[WorkflowDefinition[..., Any]] = [talk, fails, again]


def engine() -> WorkflowEngine:
    return WorkflowEngine("sqlite://", workflows=WORKFLOWS)


async def grown(engine: WorkflowEngine, run_id: str, length: int) -> None:
    """Wait until a run's history has a length."""
    async with asyncio.timeout(20):
        async for event in engine.watch(run_id):
            length -= 1
            if not length:
                return
            assert not event.is_last


async def test_the_document_holds_the_events_as_the_journal_has_them():
    """Head and events of an exported run; each event's JSON is the journal's, byte for byte."""
    async with engine() as a:
        handle = await a.start(talk, "verbatim", id="v")
        await grown(a, "v", 2)
        document = await handle.export_history()
        runner = a._runner
        assert isinstance(runner, EmbeddedRunner)
        rows = runner._opened.reader.raw_history(1)

    assert {**document, "events": None} == {
        "format": "maestro-history",
        "format_version": 1,
        "run_id": "v",
        "workflow": "talk",
        "version": "1.0.0",
        "parent_id": None,
        "complete": True,
        "events": None,
    }
    assert [(e["position"], msgspec.json.encode(e["event"])) for e in document["events"]] == rows
    assert json.loads(json.dumps(document)) == document


def test_the_document_format_is_golden():
    """The document of a run, byte for byte: what is exported today is read by every later release."""
    golden = (
        b'{"format":"maestro-history","format_version":1,"run_id":"order-17","workflow":"fulfil","version":"1.0.0",'
        b'"parent_id":"batch-3","complete":true,"events":[{"position":0,"event":{"type":"run_started","time":1,'
        b'"input":"17","seed":9}},{"position":2,"event":{"type":"run_completed","time":3,"output":null}}]}'
    )
    rows = [
        (0, b'{"type":"run_started","time":1,"input":"17","seed":9}'),
        (2, b'{"type":"run_completed","time":3,"output":null}'),
    ]

    made = history_document(run_id="order-17", workflow="fulfil", version="1.0.0", parent_id="batch-3", rows=rows)

    assert msgspec.json.encode(made) == golden
    assert read_history(golden) == made
    assert msgspec.json.encode(made.as_json()) == golden


async def test_finished_runs_keep_how_they_ended():
    """Result, failure, times and history of finished runs are the same after the import, and after a restart."""
    async with engine() as a:
        done = await a.start(talk, "kept", id="done")
        await done.signal("answer", "ok")
        assert await done.result(SOON) == ["kept-first", "ok", "kept-last"]
        broken = await a.start(fails, id="broken")
        with pytest.raises(WorkflowFailedError):
            await broken.result(SOON)
        cancelled = await a.start(talk, "stopped", id="cancelled")
        await cancelled.cancel("enough")
        async for _ in a.watch("cancelled"):
            pass
        documents = [await a.handle(run_id).export_history() for run_id in ("done", "broken", "cancelled")]
        before = [await a.handle(run_id).status() for run_id in ("done", "broken", "cancelled")]
    async with engine() as b:
        for document in documents:
            handle = await b.import_run(document)
            assert await handle.export_history() == document
        assert [await b.handle(run.id).status() for run in before] == before
        assert await b.handle("done").result(SOON) == ["kept-first", "ok", "kept-last"]
        with pytest.raises(WorkflowFailedError, match="no"):
            await b.handle("broken").result(SOON)
        assert [run.id for run in (await b.runs(status="cancelled")).runs] == ["cancelled"]


async def test_paused_terminated_and_retried_runs_are_taken_over_as_they_stand():
    """A paused run stays paused until it is resumed here, a terminated one has ended, a retried one goes on after its failure."""
    async with engine() as a:
        for run_id in ("paused", "terminated"):
            await a.start(talk, run_id, id=run_id)
            await grown(a, run_id, 2)
        await a.handle("paused").pause("lunch")
        await a.handle("terminated").terminate("enough")
        retried = await a.start(fails, id="retried")
        with pytest.raises(WorkflowFailedError):
            await retried.result(SOON)
        await retried.retry()
        with pytest.raises(WorkflowFailedError):
            await retried.result(SOON)
        documents = [await a.handle(run_id).export_history() for run_id in ("paused", "terminated", "retried")]
    assert replay(documents[1], talk).status is RunStatus.TERMINATED
    assert replay(documents[2], fails).status is RunStatus.FAILED
    async with engine() as b:
        paused, terminated, retried = [await b.import_run(document) for document in documents]
        assert (await paused.status()).status is RunStatus.PAUSED
        await paused.signal("answer", "back")
        await paused.resume()
        assert (await paused.result(SOON))[1] == "back"
        assert (await terminated.status()).status is RunStatus.TERMINATED
        with pytest.raises(WorkflowFailedError):
            await retried.result(SOON)


async def test_a_run_of_an_unregistered_workflow_waits_for_it():
    """As after a restart, an imported run whose workflow is missing says so and goes on once it is registered."""
    async with engine() as a:
        await a.start(talk, "later", id="l")
        await grown(a, "l", 2)
        document = await a.handle("l").export_history()
    async with WorkflowEngine("sqlite://") as b:
        handle = await b.import_run(document)
        assert "not registered" in str((await handle.status()).problem)
        b.register(talk)
        await handle.signal("answer", "there")
        assert (await handle.result(SOON))[1] == "there"


async def test_a_refusing_disk_leaves_no_trace_of_an_import():
    """When the disk refuses, the import fails, and the same import works once it does not."""
    async with engine() as a:
        await a.start(talk, "full", id="f")
        await grown(a, "f", 2)
        document = await a.handle("f").export_history()
    async with engine() as b:
        runner = b._runner
        assert isinstance(runner, EmbeddedRunner)
        connection = runner._opened.journal._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        padded = {**document, "events": [*document["events"], _signal(2, "x" * 100_000)]}
        with pytest.raises(JournalWriteError):
            await b.import_run(padded)
        connection.execute("PRAGMA max_page_count = 1000000")
        async with asyncio.timeout(20):
            while True:
                try:
                    handle = await b.import_run(padded)
                    break
                except JournalWriteError:
                    await asyncio.sleep(0.01)
        assert (await handle.status()).workflow == "talk"


def _signal(position: int, payload: str) -> dict[str, object]:
    return {
        "position": position,
        "event": {"type": "signal_received", "time": 1, "name": "other", "payload": payload},
    }
