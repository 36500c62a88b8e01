"""Whether the cluster can be reached, and what is asked of it about many runs, schedules and versions."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maestro_workflow_engine import (
    ClusterUnreachableError,
    EngineClosedError,
    IntervalSpec,
    RunStatus,
    UnsupportedByRunnerError,
    WorkflowEndedError,
    WorkflowEngine,
    WorkflowNotFoundError,
    receive,
    run_child,
    workflow,
)

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@workflow(name="cluster/child", version="3.1.0")
async def child() -> str:
    return "done"


@workflow(name="cluster/parent")
async def parent() -> str:
    return str(await run_child("cluster/child", None, id="the-child"))


@workflow(name="cluster/patient")
async def patient() -> None:
    await receive("go")


async def _until(count: int, engine: WorkflowEngine, *statuses: RunStatus) -> None:
    async with asyncio.timeout(20):
        while await engine.count(status=statuses) != count:
            await asyncio.sleep(0.02)


async def test_a_namespace_that_is_not_there_is_told_apart(cluster: str) -> None:
    """Opening the engine says what is missing, cancels nobody, and can be tried again."""
    engine = WorkflowEngine(cluster.replace("?", "-gone?"))
    for _ in range(2):
        with pytest.raises(ClusterUnreachableError, match=r"has no namespace 't.*-gone'"):
            await engine.__aenter__()


async def test_a_check_asks_the_cluster(cluster: str) -> None:
    """It passes while the engine is open and the cluster answers."""
    engine = WorkflowEngine(cluster)
    with pytest.raises(EngineClosedError):
        await engine.check()
    async with engine:
        await engine.check()
        assert engine.failure is None


async def test_nobody_at_the_address_is_said_in_plain_words() -> None:
    """The reason is the system's, not the nest that it comes in."""
    with pytest.raises(ClusterUnreachableError) as caught:
        await WorkflowEngine("temporal://127.0.0.1:9").__aenter__()
    assert (
        str(caught.value) == "the Temporal cluster at 127.0.0.1:9 cannot be reached: connection refused; is it running?"
    )


async def test_open_runs_are_meant_as_a_whole(cluster: str) -> None:
    """All statuses of open runs together are what the cluster calls running; paused ones alone it cannot tell."""
    async with WorkflowEngine(cluster, workflows=[patient]) as engine:
        for number in range(3):
            await engine.start(patient, id=f"p{number}")
        await _until(3, engine, RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.QUEUED)
        with pytest.raises(UnsupportedByRunnerError):
            await engine.count(status=[RunStatus.PAUSED, RunStatus.COMPLETED])
        await engine.handle("p0").terminate()
        await _until(2, engine, RunStatus.RUNNING, RunStatus.PAUSED)
        with pytest.raises(WorkflowEndedError) as caught:
            await engine.handle("p0").signal("go")
        assert caught.value.status == RunStatus.TERMINATED


async def test_a_backfill_is_repeated_without_a_second_run(cluster: str) -> None:
    """Ids come in order, the same each time, and each time of the range has one run."""
    async with WorkflowEngine(cluster, workflows=[child]) as engine:
        schedule = await engine.schedule("s", child, spec=IntervalSpec(timedelta(days=1)), paused=True)
        wanted = [f"s@-2026-03-0{day}T00:00:00Z" for day in (1, 2, 3)]
        for _ in range(2):
            filled = await schedule.backfill(MARCH, MARCH + timedelta(days=3))
            assert [run.id for run in filled] == wanted
            assert [await run.result() for run in filled] == ["done"] * 3
        await _until(3, engine, RunStatus.COMPLETED)
        with pytest.raises(ValueError, match="ends in the past"):
            await schedule.backfill(MARCH, datetime.now(UTC) + timedelta(days=3))
    async with WorkflowEngine(cluster) as stranger:
        for call in (stranger.schedule_handle("s").trigger(), stranger.schedule_handle("s").backfill(MARCH, MARCH)):
            with pytest.raises(WorkflowNotFoundError, match="is not registered"):
                await call


async def test_a_pause_says_only_what_was_said(cluster: str) -> None:
    """The note is the one that was given, none where none was, and gone once it is resumed."""
    async with WorkflowEngine(cluster, workflows=[child]) as engine:
        schedule = await engine.schedule("s", child, spec=IntervalSpec(timedelta(days=1)))
        await schedule.pause()
        assert (await schedule.describe()).note == ""
        await schedule.pause("holiday")
        assert (await schedule.describe()).note == "holiday"
        await schedule.resume()
        assert (await schedule.describe()).note == ""


async def test_a_version_that_nobody_named_is_shown(cluster: str) -> None:
    """A child takes the version that its worker has, and says which one it is, in full and in listings."""
    async with WorkflowEngine(cluster, workflows=[parent, child]) as engine:
        assert await (await engine.start(parent, id="p")).result() == "done"
        assert (await engine.handle("the-child").status()).version == "3.1.0"
        await _until(2, engine, RunStatus.COMPLETED)
        assert {run.id: run.version for run in (await engine.runs()).runs} == {"p": "1.0.0", "the-child": "3.1.0"}


async def test_a_run_that_no_worker_knows_is_shown_all_the_same(cluster: str) -> None:
    """Its state is told by nobody, and its detail says so instead of waiting for ever."""
    async with WorkflowEngine(cluster, workflows=[patient]) as engine:
        await engine.start(patient, id="p")
    async with WorkflowEngine(cluster) as stranger:
        found = await stranger.handle("p").status()
        assert found.status is RunStatus.RUNNING
        assert "no worker" in str(found.problem)
        await stranger.handle("p").terminate()
