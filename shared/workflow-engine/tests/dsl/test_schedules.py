"""`schedule`: documents that start by themselves."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from listening import LIMIT, event, listens

from maestro_workflow_engine import CronSpec, IntervalSpec, RunStatus, WorkflowEngine
from maestro_workflow_engine.dsl import DocumentError, DocumentSchedules, WorkflowDocument

Load = Callable[..., Any]
BODY = "do: [{a: {set: {got: '${ $workflow.input }'}}}]"


def versioned(version: str, schedule: str) -> str:
    return f"document: {{dsl: '1.0.3', namespace: test, name: sample, version: {version}}}\n{schedule}\n{BODY}"


async def outputs(engine: WorkflowEngine, document: WorkflowDocument, count: int) -> list[Any]:
    """Wait until that many runs of a document have ended; return what they got, oldest first."""
    deadline = time.monotonic() + LIMIT.total_seconds()
    while time.monotonic() < deadline:
        page = await engine.runs(workflow=document.qualified_name, order="oldest")
        if sum(run.status is RunStatus.COMPLETED for run in page.runs) >= count:
            return [(await engine.handle(run.id).result())["got"] for run in page.runs]
        await asyncio.sleep(0.005)
    raise AssertionError(f"there are {len(page.runs)} runs, and not {count}")


async def listening(engine: WorkflowEngine, document: WorkflowDocument) -> None:
    await listens(engine.handle(f"test.sample.on:{document.version}"))


@pytest.mark.parametrize(
    ("on", "sent", "expected"),
    [
        ("{one: {with: {type: a}}}", [("a", 1), ("b", 2), ("a", 3)], [[1], [3]]),
        ("{any: [{with: {type: a}}, {with: {type: b}}]}", [("a", 1), ("b", 2)], [[1], [2]]),
        ("{all: [{with: {type: a}}, {with: {type: b}}]}", [("a", 1), ("a", 2), ("b", 3), ("b", 4), ("a", 5)], [[1, 3], [4, 5]]),
        ("{any: [{with: {type: a}}], until: length == 2}", [("a", 1), ("a", 2), ("a", 3), ("a", 4)], [[1, 2], [3, 4]]),
        ("{any: [{with: {type: a}}], until: {one: {with: {type: b}}}}", [("a", 1), ("a", 2), ("b", 3), ("a", 4), ("b", 5)], [[1, 2], [4]]),
    ],
)  # fmt: skip
async def test_events_start_runs_and_are_their_input(
    load: Load, on: str, sent: list[tuple[str, int]], expected: list[list[int]]
) -> None:
    """Each time the strategy is complete, one run starts with the events that completed it; then it begins anew."""
    document = load(versioned("1.0.0", f"schedule: {{on: {on}}}"))
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        await DocumentSchedules(engine).put(document)
        await listening(engine, document)
        for kind, data in sent:
            await engine.publish_event(event(kind, data))
            await engine.publish_event(event(kind, data))
        assert await outputs(engine, document, len(expected)) == expected


@pytest.mark.parametrize(("read", "expected"), [("data", {"n": 1}), ("raw", '{"n":1}')])
async def test_events_are_read_as_the_schedule_says(load: Load, read: str, expected: Any) -> None:
    """Data by default; an envelope is the whole event."""
    document = load(versioned("1.0.0", f"schedule: {{on: {{one: {{with: {{type: a}}}}}}, read: {read}}}"))
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        await DocumentSchedules(engine).put(document)
        await listening(engine, document)
        await engine.publish_event(event("a", {"n": 1}))
        assert await outputs(engine, document, 1) == [[expected]]


async def test_a_burst_of_events_starts_a_run_for_each(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the history of the run that listens begins anew in the middle of it."""
    monkeypatch.setattr("maestro_workflow_engine.dsl._scheduling.ROUNDS", 3)
    document = load(versioned("1.0.0", "schedule: {on: {one: {with: {type: a}}}}"))
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        await DocumentSchedules(engine).put(document)
        await listening(engine, document)
        await asyncio.gather(*(engine.publish_event(event("a", n)) for n in range(20)))
        assert sorted(await outputs(engine, document, 20)) == [[n] for n in range(20)]


async def test_a_new_version_takes_over_and_a_removal_ends_it(load: Load, tmp_path: Path) -> None:
    """One version listens at a time; the same one again, after a restart too, stays as it is."""
    first = load(versioned("1.0.0", "schedule: {on: {one: {with: {type: a}}}, every: {hours: 1}, cron: '0 3 * * *'}"))
    second = load(versioned("1.1.0+b", "schedule: {on: {one: {with: {type: b}}}, cron: '0 4 * * *'}"))
    url, workflows = f"sqlite:///{tmp_path}/journal.db", [first.as_workflow(), second.as_workflow()]
    async with WorkflowEngine(url, workflows=workflows) as engine:
        await DocumentSchedules(engine).put(first)
        await DocumentSchedules(engine).put(first)
        specs = {each.id: each.spec for each in await engine.schedules()}
        assert specs == {
            "test.sample.every": IntervalSpec(timedelta(hours=1)),
            "test.sample.cron": CronSpec("0 3 * * *"),
        }
    async with WorkflowEngine(url, workflows=workflows) as engine:
        await DocumentSchedules(engine).put(first)
        await listening(engine, first)
        await engine.publish_event(event("a", 1))
        assert await outputs(engine, first, 1) == [[1]]
        await DocumentSchedules(engine).put(second)
        await listens(engine.handle("test.sample.on:1.1.0~b"))
        assert {each.id: each.spec for each in await engine.schedules()} == {"test.sample.cron": CronSpec("0 4 * * *")}
        await engine.publish_event(event("a", 2))
        await engine.publish_event(event("b", 3))
        assert await outputs(engine, second, 2) == [[1], [3]]
        await DocumentSchedules(engine).put(first)  # back again
        await listening(engine, first)
        await DocumentSchedules(engine).remove("test", "sample")
        assert await engine.schedules() == []
        assert (await engine.runs(status="running")).runs == []
        await DocumentSchedules(engine).remove("test", "sample")


async def test_after_starts_again_once_the_run_has_ended(load: Load) -> None:
    """At once for the first time, then so long after each end, however that came."""
    document = load(
        "schedule: {after: {milliseconds: 20}}\n"
        "do: [{a: {wait: {milliseconds: 10}}}, {b: {raise: {error: {type: 'a:b', status: 500}}}}]"
    )
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        await DocumentSchedules(engine).put(document)
        deadline = time.monotonic() + LIMIT.total_seconds()
        runs: list[Any] = []
        while sum(run.finished_at is not None for run in runs) < 3 and time.monotonic() < deadline:
            runs = (await engine.runs(workflow=document.qualified_name, order="oldest")).runs
            await asyncio.sleep(0.005)
        ended = [run for run in runs if run.finished_at is not None]
        assert len(ended) >= 3
        assert {run.status for run in ended} == {RunStatus.FAILED}
        assert all(later.created_at > earlier.finished_at for earlier, later in pairwise(ended))


async def test_a_cron_schedule_starts_runs_without_input(load: Load) -> None:
    """By the clock of the engine, in UTC."""
    document = load(versioned("1.0.0", "schedule: {cron: '0 0 * * *'}"))
    start = datetime(2030, 1, 1, 12, tzinfo=UTC)
    async with WorkflowEngine.test([document.as_workflow()], start_time=start) as engine:
        await DocumentSchedules(engine).put(document)
        await engine.time.sleep(timedelta(days=2))
        assert await outputs(engine, document, 2) == [None, None]


@pytest.mark.parametrize(
    ("schedule", "path", "words"),
    [
        ("{every: {}}", "/schedule/every", "names no unit"),
        ("{every: {seconds: 0}}", "/schedule/every", "10 ms or more"),
        ("{after: '${ .x }'}", "/schedule/after", "must be a fixed duration"),
        ("{cron: sometimes}", "/schedule/cron", "no cron expression"),
        ("{cron: '0 0 * * *', read: raw}", "/schedule/read", "there is no 'on'"),
        ("{on: {one: {with: {type: a}}}, read: all}", "/schedule/read", "must be one of data, envelope, raw"),
        ("{on: {one: {with: {type: a, data: '${ $context }'}}}}", "/schedule/on/one/with/data", "$context"),
        ("{on: {one: {with: {type: a}}}, at: noon}", "/schedule/at", "unknown field"),
    ],
)
def test_faults_name_their_place(load: Load, schedule: str, path: str, words: str) -> None:
    """A document that cannot be scheduled is refused."""
    with pytest.raises(DocumentError) as caught:
        load(versioned("1.0.0", f"schedule: {schedule}"))
    assert [fault.path for fault in caught.value.faults] == [path]
    assert words in str(caught.value)
