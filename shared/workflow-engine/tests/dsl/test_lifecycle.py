"""Lifecycle events: which there are, in which order, with which data; once each, over restarts too."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from listening import LIMIT, event, listens

from maestro_workflow_engine import WorkflowCancelledError, WorkflowEngine, WorkflowFailedError

Load = Callable[..., Any]
PREFIX = "io.serverlessworkflow."


class Log:
    """A sink that keeps what it takes."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []

    async def send(self, taken: Mapping[str, Any]) -> None:
        self.events.append(taken)

    def told(self) -> list[tuple[str, str | None]]:
        """Return what happened, to which task."""
        return [
            (each["type"].removeprefix(PREFIX).removesuffix(".v1"), each.get("data", {}).get("task"))
            for each in self.events
        ]

    async def until(self, what: str, count: int = 1) -> None:
        """Wait until that has been told so often."""
        deadline = time.monotonic() + LIMIT.total_seconds()
        while sum(name == what for name, _ in self.told()) < count:
            assert time.monotonic() < deadline, self.told()
            await asyncio.sleep(0.005)


@asynccontextmanager
async def logging(document: Any, url: str = "sqlite://") -> AsyncIterator[tuple[WorkflowEngine, Log]]:
    log = Log()
    workflow = document.as_workflow(lifecycle_events=True)
    async with WorkflowEngine(url, workflows=[workflow], event_sink=log) as engine:
        yield engine, log


async def test_a_run_tells_what_happens_to_it_and_its_tasks(load: Load) -> None:
    """From the start to the completion, tasks within tasks included; a skipped task tells nothing."""
    document = load("do: [{a: {do: [{b: {set: {n: 1}}}]}}, {c: {if: 'false', set: {n: 2}}}]")
    async with logging(document) as (engine, log):
        await (await engine.start(document.qualified_name, id="r")).result(LIMIT)
        await log.until("workflow.completed")
    inner = "/do/0/a/do/0/b"
    assert log.told() == [
        ("workflow.started", None),
        ("task.created", "/do/0/a"),
        ("task.started", "/do/0/a"),
        ("task.created", inner),
        ("task.started", inner),
        ("task.completed", inner),
        ("task.completed", "/do/0/a"),
        ("workflow.completed", None),
    ]
    started, created, *_, completed = log.events
    assert started["data"] == {
        "name": "sample-r.test",
        "definition": {"name": "sample", "namespace": "test", "version": "1.0.0"},
        "startedAt": started["time"],
    }
    assert (started["source"], started["id"]) == ("/test/sample/1.0.0", "r.1.workflow.started")
    assert created["data"] == {"workflow": "sample-r.test", "task": "/do/0/a", "createdAt": created["time"]}
    assert completed["data"] == {"name": "sample-r.test", "output": {"n": 1}, "completedAt": completed["time"]}


async def test_faults_retries_and_cancellations_are_told(load: Load) -> None:
    """With the error; what a timeout ends is at fault."""
    document = load(
        "do: [{t: {try: [{x: {raise: {error: {type: 'a:b', status: 500}}}}],"
        " catch: {retry: {delay: {milliseconds: 1}, limit: {attempt: {count: 1}}}}}}]"
    )
    async with logging(document) as (engine, log):
        with pytest.raises(WorkflowFailedError):
            await (await engine.start(document.qualified_name)).result(LIMIT)
        await log.until("workflow.faulted")
    inner = "/do/0/t/try/0/x"
    attempt = [("task.created", inner), ("task.started", inner), ("task.faulted", inner)]
    assert log.told() == [
        ("workflow.started", None),
        ("task.created", "/do/0/t"),
        ("task.started", "/do/0/t"),
        *attempt,
        ("task.retried", "/do/0/t"),
        *attempt,
        ("task.faulted", "/do/0/t"),
        ("workflow.faulted", None),
    ]
    assert log.events[-1]["data"]["error"] == {"type": "a:b", "status": 500, "instance": inner}
    waiting = load("do: [{w: {wait: {hours: 1}, timeout: {after: {milliseconds: 5}}}}]")
    async with logging(waiting) as (engine, log):
        with pytest.raises(WorkflowFailedError):
            await (await engine.start(waiting.qualified_name)).result(LIMIT)
        await log.until("workflow.faulted")
    assert ("task.faulted", "/do/0/w") in log.told()
    long = load("do: [{w: {wait: {hours: 1}}}]")
    async with logging(long) as (engine, log):
        handle = await engine.start(long.qualified_name)
        await log.until("task.started")
        await handle.cancel()
        with pytest.raises(WorkflowCancelledError):
            await handle.result(LIMIT)
        await log.until("workflow.cancelled")
    assert log.told()[-2:] == [("task.cancelled", "/do/0/w"), ("workflow.cancelled", None)]


async def test_pauses_and_correlations_are_told(load: Load) -> None:
    """While the run is paused, and of each task that is under way."""
    document = load("do: [{w: {listen: {to: {one: {with: {type: a}, correlate: {k: {from: .data.k}}}}}}}]")
    async with logging(document) as (engine, log):
        handle = await engine.start(document.qualified_name)
        await listens(handle)
        await handle.pause("for a while")
        await log.until("task.suspended")
        await handle.resume()
        await log.until("task.resumed")
        await engine.publish_event(event("a", {"k": 7}))
        await handle.result(LIMIT)
        await log.until("workflow.completed")
    assert log.told() == [
        ("workflow.started", None),
        ("task.created", "/do/0/w"),
        ("task.started", "/do/0/w"),
        ("workflow.correlation-started", None),
        ("workflow.suspended", None),
        ("task.suspended", "/do/0/w"),
        ("workflow.resumed", None),
        ("task.resumed", "/do/0/w"),
        ("workflow.correlation-completed", None),
        ("task.completed", "/do/0/w"),
        ("workflow.completed", None),
    ]
    correlated = next(each for each in log.events if "correlation-completed" in each["type"])
    assert correlated["data"]["correlationKeys"] == {"k": 7}


async def test_a_restart_neither_repeats_nor_loses_one(load: Load, tmp_path: Path) -> None:
    """The journal knows how much has been told; other workflows hear it as well."""
    document = load("do: [{a: {set: {n: 1}}}, {w: {listen: {to: {one: {with: {type: a}}}}}}, {b: {set: {n: 2}}}]")
    url = f"sqlite:///{tmp_path}/journal.db"
    async with logging(document, url) as (engine, before):
        await listens(await engine.start(document.qualified_name, id="r"))
        await before.until("task.started", 2)
    async with logging(document, url) as (engine, after):
        await engine.publish_event(event("a", 1))
        await engine.handle("r").result(LIMIT)
        await after.until("workflow.completed")
    ids = [each["id"] for log in (before, after) for each in log.events]
    assert len(set(ids)) == len(ids)
    assert [int(each.split(".")[1]) for each in ids] == list(range(1, 12))


async def test_nothing_is_told_unless_asked_for(load: Load) -> None:
    """By default runs tell nothing."""
    document = load("do: [{a: {emit: {event: {with: {type: mine}}}}}]")
    log = Log()
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()], event_sink=log) as engine:
        await (await engine.start(document.qualified_name)).result(LIMIT)
        await log.until("mine")
    assert log.events[0]["type"] == "mine"
