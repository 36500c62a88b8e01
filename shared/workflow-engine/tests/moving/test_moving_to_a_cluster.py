"""A journal with runs that wait in every way there is moves to a cluster, where all of them go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import moving_workflows as w
import pytest
from moving_site import LONG, expected, finish, lines, ran, settle, waits

from maestro_workflow_engine import (
    Debounce,
    IntervalSpec,
    Overlap,
    Queue,
    RunStatus,
    Singleton,
    SingletonPolicy,
    StartOptions,
    WorkflowEngine,
    WorkflowMovedError,
    replay,
)
from maestro_workflow_engine import workflow as workflow_decorator
from maestro_workflow_engine.dsl import load_document
from maestro_workflow_engine.moving import Move, Outcome, carry_out, drain, plan_move

LIMITED = Queue("limited", concurrency=1)
DELAY = timedelta(seconds=3)


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """The URL of a journal that is not there yet."""
    return f"sqlite:///{tmp_path / 'runs.db'}"


async def moved(journal: str, cluster: str, **options: Any) -> dict[str, Outcome]:
    """Move everything and return what became of each run and schedule."""
    report = await carry_out(Move(source=journal, target=cluster, workflows=w.ALL, **options))
    assert report.is_complete, [(each.id, each.reasons) for each in (*report.runs, *report.schedules) if each.reasons]
    return {each.id: each.outcome for each in (*report.runs, *report.schedules)}


async def test_a_run_that_listens_goes_on_listening(journal: str, cluster: str):
    """What it has heard in the journal counts; the rest comes to the cluster."""
    document = load_document(
        "document: {dsl: '1.0.3', namespace: test, name: both, version: 1.0.0}\n"
        "do: [{w: {listen: {to: {all: [{with: {type: a}}, {with: {type: b}}]}}}}]"
    )
    workflows = [document.as_workflow(lifecycle_events=True)]
    async with WorkflowEngine(journal, workflows=workflows) as engine:
        await engine.start(document.qualified_name, id="d")
        await waits(engine, "d", "event")
        assert await engine.publish_event({"id": "1", "source": "s", "type": "a", "data": 1})
    report = await carry_out(Move(source=journal, target=cluster, workflows=workflows))
    assert [(run.id, run.outcome) for run in report.runs] == [("d", Outcome.MOVED)]
    async with WorkflowEngine(cluster, workflows=workflows) as engine:
        await waits(engine, "d", "event")
        assert await engine.publish_event({"id": "2", "source": "s", "type": "b", "data": 2})
        assert await engine.handle("d").result(LONG) == [1, 2]


async def test_a_timer_keeps_its_time_and_no_step_runs_twice(journal: str, cluster: str, record: Path):
    """A run that sleeps wakes on the cluster when it would have woken in the journal."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        handle = await engine.start(w.sleeper, str(record), 2.0, id="z")
        await waits(engine, "z", "timer")
        wakes = next(wait.until for wait in (await handle.status()).waiting_for)
    assert await moved(journal, cluster) == {"z": Outcome.MOVED}
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        assert await engine.handle("z").result(LONG) == ["before", "after"]
        fired = next(event for event in await engine.handle("z").history() if event.type == "timer_fired")
    assert wakes is not None
    assert fired.time.timestamp() * 1e6 >= wakes - 1
    assert lines(record) == ["before z/1 1", "after z/3 1"]


async def test_signals_that_nobody_has_received_arrive_once_and_in_order(journal: str, cluster: str, record: Path):
    """What was sent before the move comes before what is sent after it."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        handle = await engine.start(w.listener, str(record), 5, id="l")
        await waits(engine, "l", "signal")
        for number in range(3):
            await handle.signal("item", f"i{number}")
    await moved(journal, cluster)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        for number in range(3, 5):
            await engine.handle("l").signal("item", f"i{number}")
        await engine.handle("l").signal("begin")
        assert await engine.handle("l").result(LONG) == ["i0", "i1", "i2", "i3", "i4"]
    assert ran(record) == ["listening", "heard"]


async def test_an_update_under_way_is_answered_once_to_whoever_asks_again(journal: str, cluster: str, record: Path):
    """Asked again by the same id, before or after its answer, it is the same update; answered ones keep their answers."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        handle = await engine.start(w.counter, str(record), id="c")
        await waits(engine, "c", "signal")
        first = asyncio.create_task(handle.update("add", 1, id="one"))
        await handle.signal("release")
        assert await first == 1
        second = asyncio.create_task(handle.update("add", 2, id="two"))

        while not any(event.data.get("update_id") == "two" for event in await handle.history()):
            await asyncio.sleep(0.01)
        second.cancel()
    await moved(journal, cluster)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        handle = engine.handle("c")
        assert await handle.update("add", 1, id="one") == 1
        again = asyncio.create_task(handle.update("add", 2, id="two"))
        await handle.signal("release")
        assert await again == 3
        assert await handle.update("add", 2, id="two") == 3
        await handle.signal("finish")
        assert await handle.result(LONG) == 3
        kept = await handle.export_history()
    assert ran(record) == ["added-1", "added-2"]
    assert replay(kept, w.counter).status is RunStatus.COMPLETED


async def test_a_family_moves_as_one_with_its_links(journal: str, cluster: str, record: Path):
    """Children by call, by handle and left to themselves, and a grandchild, are the cluster's children of their parents."""
    await settle(journal, record, 1)
    outcomes = await moved(journal, cluster)
    assert sorted(outcomes) == ["l0", "p0", "p0-handle", "p0-left", "p0-middle", "p0-middle-inner", "s0"]
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        await waits(engine, "p0-middle-inner", "signal")
        assert (await engine.handle("p0-middle-inner").status()).parent_id == "p0-middle"
        assert (await engine.handle("p0-handle").status()).parent_id == "p0"
    results, steps = expected(1)
    assert await finish(cluster, 1) == results
    assert sorted(ran(record)) == steps


async def test_the_journal_says_where_its_runs_went_and_drives_them_no_more(journal: str, cluster: str, record: Path):
    """Opened again, it shows them, refuses to wait for them, and none of their steps runs."""
    await settle(journal, record, 1)
    await moved(journal, cluster)
    before = ran(record)
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        shown = await engine.handle("p0").status()
        assert shown.status is RunStatus.TERMINATED
        assert shown.moved_to is not None
        assert shown.moved_to.startswith(cluster.partition("?")[0])
        with pytest.raises(WorkflowMovedError) as refused:
            await engine.handle("p0-middle-inner").result(LONG)
        assert refused.value.moved_to == shown.moved_to
        assert (await engine.schedules())[0].paused
        assert await engine.count() == 6
    assert ran(record) == before
    again = await plan_move(Move(source=journal, target=cluster, workflows=w.ALL))
    assert (again.runs, again.schedules, again.moved_before) == ([], [], 6)


async def test_a_paused_run_stays_paused(journal: str, cluster: str, record: Path):
    """On the cluster it waits for its resume, and then goes on where it was; one that had not begun begins then."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.listener, str(record), 1, id="l")
        await waits(engine, "l", "signal")
        await engine.handle("l").pause("for now")
        await engine.handle("l").signal("begin")
        await engine.handle("l").signal("item", "x")
        await engine.start(w.plain, str(record), "late", id="d", options=StartOptions(delay=timedelta(hours=1)))
        await engine.handle("d").pause()
    await moved(journal, cluster)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        await waits_paused(engine, "l")
        assert ran(record) == ["listening"]
        await engine.handle("l").resume()
        assert await engine.handle("l").result(LONG) == ["x"]


async def waits_paused(engine: WorkflowEngine, run_id: str) -> None:
    while (await engine.handle(run_id).status()).status is not RunStatus.PAUSED:
        await asyncio.sleep(0.01)


async def test_a_run_that_waits_to_begin_begins_at_its_time(journal: str, cluster: str, record: Path):
    """A delay goes on counting; what was sent to the run waits with it; its history reads as it happened."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        handle = await engine.start(w.listener, str(record), 1, id="d", options=StartOptions(delay=DELAY))
        begins = datetime.now(UTC) + DELAY - timedelta(milliseconds=200)
        await handle.signal("item", "early")
        assert (await handle.status()).status is RunStatus.QUEUED
    await moved(journal, cluster)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        await engine.handle("d").signal("begin")
        assert await engine.handle("d").result(LONG) == ["early"]
        events = await engine.handle("d").history()
        document = await engine.handle("d").export_history()
    assert next(event for event in events if event.type == "run_admitted").time >= begins
    assert next(event for event in events if event.type == "step_completed").time >= begins
    assert replay(document, w.listener).status is RunStatus.COMPLETED


async def test_attributes_queries_and_patches_go_along(journal: str, cluster: str, record: Path):
    """A run is found by what it was found by; it keeps the side of a change that it took."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        options = StartOptions(attributes={"customer": "acme"})
        await engine.start(w.tagged, str(record), id="t", options=options)
        await waits(engine, "t", "signal")
    await moved(journal, cluster)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        status = await engine.handle("t").status()
        assert status.attributes == {"customer": "acme", "stage": "waiting", "tries": 1}
        assert await engine.handle("t").query("stage") == "waiting"
        while not (await engine.runs(attributes={"customer": "acme"})).runs:
            await asyncio.sleep(0.05)
        await engine.handle("t").signal("go")
        assert await engine.handle("t").result(LONG) == "new new"
        assert (await engine.handle("t").status()).attributes["stage"] == "done"


async def test_a_chain_goes_on_counting(journal: str, cluster: str, record: Path):
    """A run that has started over keeps its numbers, so that no two of its steps ever share an idempotency key."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.chain, str(record), 3, id="n")
        await waits(engine, "n", "signal")
    await moved(journal, cluster)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        await engine.handle("n").signal("end", "over")
        assert await engine.handle("n").result(LONG) == "over"
    keys = [line.split()[1] for line in lines(record)]
    assert len(set(keys)) == len(keys) == 3


async def test_a_failed_step_goes_on_with_the_attempt_it_was_at(journal: str, cluster: str, record: Path):
    """Attempts made in the journal count on the cluster, and the wait until the next one is kept."""
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.retrying, str(record), id="r")
        while not ran(record):
            await asyncio.sleep(0.01)
        while not any(event.type == "step_retrying" for event in await engine.handle("r").history()):
            await asyncio.sleep(0.01)
    await moved(journal, cluster)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        assert await engine.handle("r").result(LONG) == "done"
        document = await engine.handle("r").export_history()
    assert lines(record) == ["flaky r/1 1", "flaky r/1 2", "flaky r/1 3"]
    assert replay(document, w.retrying).status is RunStatus.COMPLETED


async def test_a_step_that_was_cut_off_runs_again_with_the_same_key(journal: str, cluster: str, record: Path):
    """The plan names it; nothing else of the run is repeated."""
    hold_up(record)
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.hanging, str(record), id="h")
        while "hung" not in ran(record):
            await asyncio.sleep(0.01)
    plan = await plan_move(Move(source=journal, target=cluster, workflows=w.ALL))
    assert [run.unfinished_steps for run in plan.runs] == [["hang"]]
    await moved(journal, cluster)
    let_go(record)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        assert await engine.handle("h").result(LONG) == "hung"
    assert lines(record) == ["hanging h/1 1", "hung h/2 1", "hung h/2 1"]


async def test_draining_lets_such_a_step_finish_first(journal: str, cluster: str, record: Path):
    """Drained, the run has ended in the journal and nothing of it is left to move; a schedule fires nothing meanwhile."""
    hold_up(record)
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.hanging, str(record), id="h")
        await engine.schedule("s", w.plain, str(record), "scheduled", spec=IntervalSpec(timedelta(seconds=1)))
        while not {"hung", "scheduled"} <= set(ran(record)):
            await asyncio.sleep(0.01)
    fired = ran(record).count("scheduled")
    move = Move(source=journal, target=cluster, workflows=w.ALL)
    drained = await drain(move, timeout=timedelta(seconds=1.5))
    assert (drained.is_quiet, drained.at_work) == (False, ["h/2"])
    let_go(record)
    assert (await drain(move, timeout=LONG)).is_quiet
    report = await carry_out(move)
    assert (report.runs, report.ended) == ([], {"completed": 1 + fired})
    assert [each.outcome for each in report.schedules] == [Outcome.MOVED]
    assert ran(record).count("scheduled") == fired


async def test_schedules_move_with_all_that_was_said_of_them(journal: str, cluster: str, record: Path):
    """Spec, overlap, window, note and pause are the same; what fell due while nobody had the journal open is made up for."""
    hour = IntervalSpec(timedelta(hours=1), timedelta(minutes=7))
    often = IntervalSpec(timedelta(seconds=1))
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.schedule(
            "quiet", w.plain, str(record), "quiet", spec=hour, overlap=Overlap.BUFFER_ONE,
            catch_up=timedelta(minutes=3), jitter=timedelta(seconds=2), paused=True,
        )  # fmt: skip
        await engine.schedule_handle("quiet").pause("holiday")
        await engine.schedule(
            "often", w.plain, str(record), "often", spec=often, overlap=Overlap.ALLOW, catch_up=timedelta(minutes=1)
        )
        while "often" not in ran(record):
            await asyncio.sleep(0.01)
    await moved(journal, cluster)
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        quiet = await engine.schedule_handle("quiet").describe()
        assert (quiet.spec, quiet.overlap, quiet.paused, quiet.note) == (hour, Overlap.BUFFER_ONE, True, "holiday")
        assert (quiet.catch_up, quiet.jitter) == (timedelta(minutes=3), timedelta(seconds=2))
        count = ran(record).count("often")
        while ran(record).count("often") < count + 3:
            await asyncio.sleep(0.01)
        await engine.schedule_handle("often").pause()
    assert "quiet" not in ran(record)


async def test_a_dry_run_tells_all_and_changes_nothing(journal: str, cluster: str, record: Path, tmp_path: Path):
    """What a cluster cannot do is named, by run and with the reason; neither side is touched."""

    async def fill(engine: WorkflowEngine) -> None:
        one = StartOptions(singleton=Singleton("k", SingletonPolicy.WAIT))
        await engine.start(w.child, str(record), "first", id="first", options=one)
        await waits(engine, "first", "signal")
        await engine.start(w.child, str(record), "second", id="second", options=one)
        await engine.start(w.listener, str(record), 1, id="holds", options=StartOptions(queue="limited"))
        await waits(engine, "holds", "signal")
        await engine.start(w.plain, str(record), "x", id="queued", options=StartOptions(queue="limited"))
        later = Debounce("k", timedelta(hours=1))
        await engine.start(w.plain, str(record), "x", options=StartOptions(debounce=later))
        await engine.schedule(
            "s", w.plain, str(record), "x", spec=IntervalSpec(timedelta(days=1)), catch_up=timedelta(seconds=5)
        )
        await engine.schedule("q", w.plain, str(record), "x", spec=IntervalSpec(timedelta(days=1)), queue="limited")
        await engine.pause_workflow("tagged")
        await engine.start(w.tagged, str(record), id="held")

    async with WorkflowEngine(journal, workflows=w.ALL, queues=[LIMITED]) as engine:
        await fill(engine)
    file = tmp_path / "runs.db"
    before = file.read_bytes()
    plan = await plan_move(
        Move(source=journal, target=cluster, workflows=[each for each in w.ALL if each is not w.listener])
    )
    reasons = {each.id: " ".join(each.reasons) for each in (*plan.runs, *plan.schedules)}
    assert not plan.is_complete
    assert not reasons.pop("first")
    assert "not registered" in reasons.pop("holds")
    assert "singleton" in reasons.pop("second")
    assert "queue 'limited'" in reasons.pop("queued")
    assert "workflow is paused" in reasons.pop("held")
    assert "ten seconds" in reasons.pop("s")
    assert "queue 'limited'" in reasons.pop("q")
    (debounced,) = reasons.values()
    assert "debounced" in debounced
    assert file.read_bytes() == before
    allowed = Move(source=journal, target=cluster, workflows=w.ALL, without_limits=frozenset(["limited"]))
    outcomes = {each.id: each.outcome for each in (await plan_move(allowed)).runs}
    assert outcomes["queued"] is outcomes["first"] is outcomes["holds"] is Outcome.MOVES
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        assert not (await engine.runs()).runs


async def test_code_that_does_not_fit_keeps_a_whole_family_where_it_is(
    journal: str, cluster: str, record: Path, monkeypatch: pytest.MonkeyPatch
):
    """Everything else moves; what stays goes on in the journal as if nothing had been."""
    await settle(journal, record, 1)

    async def other(record: str, name: str) -> str:
        return str(await asyncio.sleep(1000, f"{record}{name}"))

    changed = [*[each for each in w.ALL if each is not w.child], altered(w.child, other)]
    report = await carry_out(Move(source=journal, target=cluster, workflows=changed))
    outcomes = {run.id: run.outcome for run in report.runs}
    assert outcomes.pop("l0") is Outcome.MOVED
    assert set(outcomes.values()) == {Outcome.STAYS}
    assert "p0-left" in next(run.reasons[0] for run in report.runs if run.id == "p0")
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        for name in ("left", "handle", "middle-inner"):
            await waits(engine, f"p0-{name}", "signal")
            await engine.handle(f"p0-{name}").signal("answer", "yes")
        assert await engine.handle("p0").result(LONG) == expected(1)[0]["p0"]


def hold_up(record: Path) -> None:
    """Let `hang` not end."""
    Path(f"{record}.hang").touch()


def let_go(record: Path) -> None:
    """Let it end."""
    Path(f"{record}.hang").unlink()


def altered(workflow: Any, func: Callable[..., Any]) -> Any:
    """Return a workflow of the same name and version with other code."""
    return workflow_decorator(name=workflow.name, version=workflow.version)(func)
