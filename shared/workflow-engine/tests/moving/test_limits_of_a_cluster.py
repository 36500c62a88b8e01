"""What a cluster does not take as it is: large histories, ids that it has, ends that a parent has not heard of."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import moving_workflows as w
import pytest
from moving_site import LONG, lines, ran, waits

from maestro_workflow_engine import CronSpec, IntervalSpec, Overlap, Queue, RunStatus, StartOptions, WorkflowEngine
from maestro_workflow_engine.moving import Move, Outcome, carry_out, plan_move
from maestro_workflow_engine.moving._cluster import ClusterTarget

LARGE = "x" * 900_000


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """The URL of a journal that is not there yet."""
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.mark.parametrize("has_store", [False, True])
async def test_a_history_that_is_too_large_needs_a_store(
    journal: str, cluster: str, record: Path, tmp_path: Path, *, has_store: bool
):
    """Without one the run stays, and the reason says what to do; with one it moves, payload for payload."""
    options: dict[str, Any] = {"payload_store": f"file://{tmp_path / 'store'}"} if has_store else {}
    async with WorkflowEngine(journal, workflows=w.ALL, **options) as engine:
        handle = await engine.start(w.listener, str(record), 3, id="l")
        await waits(engine, "l", "signal")
        for _ in range(3):
            await handle.signal("item", LARGE)
    report = await carry_out(Move(source=journal, target=cluster, workflows=w.ALL, **options))
    place = cluster if has_store else journal
    if not has_store:
        assert [run.outcome for run in report.runs] == [Outcome.STAYS]
        assert "use a payload store" in report.runs[0].reasons[0]
    async with WorkflowEngine(place, workflows=w.ALL, **options) as engine:
        await engine.handle("l").signal("begin")
        assert await engine.handle("l").result(LONG) == [LARGE] * 3
    assert ran(record) == ["listening", "heard"]


async def test_an_id_that_the_cluster_has_stays_with_its_run(journal: str, cluster: str, record: Path):
    """The plan says so, and neither run is touched."""
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        await engine.start(w.listener, str(record), 1, id="l")
        await waits(engine, "l", "signal")
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.sleeper, str(record), 0.0, id="other")
        await engine.handle("other").result(LONG)
        await engine.start(w.listener, str(record), 1, id="l")
        await waits(engine, "l", "signal")
    report = await carry_out(Move(source=journal, target=cluster, workflows=w.ALL))
    assert [(run.outcome, run.reasons) for run in report.runs] == [
        (Outcome.STAYS, ["the cluster has a run of the id 'l' already"])
    ]
    assert report.ended == {"completed": 1}


async def test_a_refusal_at_the_last_moment_is_taken_back(
    journal: str, cluster: str, record: Path, monkeypatch: pytest.MonkeyPatch
):
    """Somebody took the id after the plan was made: the run goes on in the journal, in the line where it stood."""
    limited, queued = Queue("limited", concurrency=1), StartOptions(queue="limited")
    async with WorkflowEngine(journal, workflows=w.ALL, queues=[limited]) as engine:
        await engine.start(w.listener, str(record), 0, id="l", options=queued)
        await waits(engine, "l", "signal")
        await engine.start(w.plain, str(record), "next", id="n", options=queued)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        for run_id in ("l", "n"):
            await engine.start(w.sleeper, str(record), 3600.0, id=run_id)

    async def blind(*_: object, **__: object) -> None:
        """Find nothing wrong."""

    monkeypatch.setattr(ClusterTarget, "judge", blind)
    move = Move(source=journal, target=cluster, workflows=w.ALL, without_limits=frozenset(["limited"]))
    report = await carry_out(move)
    assert {run.outcome for run in report.runs} == {Outcome.STAYS}
    async with WorkflowEngine(journal, workflows=w.ALL, queues=[limited]) as engine:
        status = await engine.handle("n").status()
        assert (status.status, [wait.kind for wait in status.waiting_for]) == (RunStatus.QUEUED, ["queue"])
        await engine.handle("l").signal("begin")
        assert await engine.handle("l").result(LONG) == []
        assert await engine.handle("n").result(LONG) == "next"


async def test_what_waits_in_a_line_begins_at_once_when_its_limits_are_given_up(
    journal: str, cluster: str, record: Path
):
    """It begins beside the run that it was waiting for."""
    limited, queued = Queue("limited", concurrency=1), StartOptions(queue="limited", priority=1, tenant="acme")
    async with WorkflowEngine(journal, workflows=w.ALL, queues=[limited]) as engine:
        await engine.start(w.listener, str(record), 0, id="l", options=queued)
        await waits(engine, "l", "signal")
        await engine.start(w.plain, str(record), "next", id="n", options=queued)
        await engine.queue("limited").pause()
    move = Move(source=journal, target=cluster, workflows=w.ALL, without_limits=frozenset(["limited"]))
    assert [(run.id, run.reasons[0][:25]) for run in (await plan_move(move)).runs if run.reasons] == [
        ("n", "queue 'limited' is paused")
    ]
    async with WorkflowEngine(journal, workflows=w.ALL, queues=[limited]) as engine:
        await engine.queue("limited").resume()
    report = await carry_out(move)
    assert report.is_complete
    assert "limits of queue 'limited'" in report.runs[0].notes[0]
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        assert await engine.handle("n").result(LONG) == "next"
        await engine.handle("l").signal("begin")
        assert await engine.handle("l").result(LONG) == []


async def test_a_schedule_that_the_cluster_refuses_goes_on_where_it_was(journal: str, cluster: str, record: Path):
    """The cluster's own words are the reason."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.schedule("last", w.plain, str(record), "x", spec=CronSpec("0 12 L * *"))
    report = await carry_out(Move(source=journal, target=cluster, workflows=w.ALL))
    assert [each.outcome for each in report.schedules] == [Outcome.STAYS]
    assert "refuses" in report.schedules[0].reasons[0]
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        assert not (await engine.schedule_handle("last").describe()).paused


async def test_an_end_that_the_parent_has_not_heard_of_reaches_it_there(
    journal: str, cluster: str, record: Path, tmp_path: Path
):
    """As a restored journal may have it: the child's result comes along, and none of its steps runs again."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.middle, str(record), id="m")
        await waits(engine, "m-inner", "signal")
        await engine.handle("m-inner").signal("answer", "yes")
        await engine.handle("m").result(LONG)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as file:
        (key,) = file.execute("SELECT key FROM runs WHERE id = 'm'").fetchone()
        file.execute("DELETE FROM history WHERE run = ? AND position > 0", (key,))
        file.execute("UPDATE runs SET status = 'running', finished_us = NULL WHERE key = ?", (key,))
        file.commit()
    before = lines(record)
    plan = await plan_move(Move(source=journal, target=cluster, workflows=w.ALL))
    assert [run.id for run in plan.runs] == ["m"]
    assert (await carry_out(Move(source=journal, target=cluster, workflows=w.ALL))).is_complete
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        assert await engine.handle("m").result(LONG) == "inner-yes of None"
    assert lines(record) == before


async def test_a_deadline_goes_on_counting(journal: str, cluster: str, record: Path):
    """A signal that is awaited with a timeout is missed on the cluster at the time at which it would have been in the journal."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.impatient, str(record), 2.0, id="i")
        await waits(engine, "i", "timer")
        due = min(wait.until or 0 for wait in (await engine.handle("i").status()).waiting_for if wait.kind == "timer")
    assert (await carry_out(Move(source=journal, target=cluster, workflows=w.ALL))).is_complete
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        assert await engine.handle("i").result(LONG) == "too late"
        done = next(event for event in await engine.handle("i").history() if event.type == "step_completed")
    assert done.time >= _moment(due)


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=us)


async def test_no_time_of_a_schedule_is_lost_or_doubled_by_the_move(journal: str, cluster: str, record: Path):
    """Each second has its run, in the one engine or the other: before, during and after the move."""
    every = IntervalSpec(timedelta(seconds=1))
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.schedule(
            "s", w.plain, str(record), "x", spec=every, overlap=Overlap.ALLOW, catch_up=timedelta(minutes=5)
        )
        while len(ran(record)) < 2:
            await asyncio.sleep(0.01)
    assert (await carry_out(Move(source=journal, target=cluster, workflows=w.ALL))).is_complete
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        so_far = len(ran(record))
        while len(ran(record)) < so_far + 5:
            await asyncio.sleep(0.01)
        await engine.schedule_handle("s").pause()
        while [run for run in (await engine.runs(limit=200)).runs if run.status.is_open]:
            await asyncio.sleep(0.05)
    times = sorted(
        datetime.fromisoformat(line.split()[1].partition("@")[2].partition("/")[0].removeprefix("-"))
        for line in lines(record)
    )
    seconds = [(time - times[0]).total_seconds() for time in times]
    assert seconds == list(range(len(seconds)))
