"""Retention through the runner: thirty days in milliseconds, and nothing goes that somebody still needs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    CronSpec,
    HistoryPurgedError,
    IntervalSpec,
    PurgeReport,
    QueryNotFoundError,
    Retention,
    RunStatus,
    TimeSkippingEngine,
    WorkflowCancelledError,
    WorkflowConflictError,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowNotFoundError,
    WorkflowOpenError,
    publish,
    receive,
    rescue_journal,
    run_child,
    step,
    workflow,
)

DAY = timedelta(days=1)
SOON = timedelta(seconds=20)


@step
async def work(value: int) -> int:
    return value + 1


@step
async def breaks() -> None:
    raise RuntimeError("broken")


@workflow
async def adds(value: int) -> int:
    publish("value", value)
    return await work(await work(value))


@workflow
async def fails() -> None:
    await breaks()


@workflow
async def waits() -> str:
    return str(await receive("go"))


@workflow
async def parent(child: str, then: str) -> str:
    await run_child(child, *([1] if child == "adds" else []), id="child")
    return str(await receive("go")) if then == "wait" else "done"


WORKFLOWS = [adds, fails, waits, parent]


def engine(**options: Any) -> TimeSkippingEngine:
    return WorkflowEngine.test(WORKFLOWS, **options)


async def ids(engine: WorkflowEngine) -> set[str]:
    return {run.id for run in (await engine.runs(limit=1000)).runs}


async def test_each_way_of_ending_has_its_own_time():
    """Completed runs go after 30 days, failed ones after 90, cancelled ones after 1; what has no rule and what is open stays."""
    rules = Retention(completed=30 * DAY, failed=90 * DAY, cancelled=DAY)
    async with engine(retention=rules) as e:
        await (await e.start(adds, 1, id="completed")).result()
        with pytest.raises(WorkflowFailedError):
            await (await e.start(fails, id="failed")).result()
        for run_id in ("cancelled", "terminated", "open"):
            await e.start(waits, id=run_id)
        await e.handle("cancelled").cancel()
        with pytest.raises(WorkflowCancelledError):
            await e.handle("cancelled").result()
        await e.handle("terminated").terminate()
        await e.time.sleep(DAY - timedelta(seconds=5))
        assert await ids(e) == {"completed", "failed", "cancelled", "terminated", "open"}
        await e.time.sleep(timedelta(seconds=10))
        assert await ids(e) == {"completed", "failed", "terminated", "open"}
        await e.time.sleep(29 * DAY)
        assert await ids(e) == {"failed", "terminated", "open"}
        await e.time.sleep(60 * DAY)
        assert await ids(e) == {"terminated", "open"}
        with pytest.raises(WorkflowNotFoundError):
            await e.handle("completed").result()
        await e.handle("open").signal("go", "went")
        assert await e.handle("open").result() == "went"


async def test_what_falls_due_while_no_engine_is_open_goes_at_the_next_opening(tmp_path: Path):
    """The age of a run counts from its end, whoever was there."""
    url = f"sqlite:///{tmp_path}/journal.db"
    async with engine(url=url) as e:
        await (await e.start(adds, 1, id="r")).result()
        later = e.time.now() + 40 * DAY
    async with engine(url=url, start_time=later, retention=Retention(completed=30 * DAY)) as e:
        await e.time.sleep(timedelta(seconds=1))
        assert await ids(e) == set()


async def test_a_shorter_history_leaves_what_a_run_came_to():
    """Status, input, output and failure are readable; what needs the events between says when they went."""
    async with engine(retention=Retention(history=7 * DAY)) as e:
        await (await e.start(adds, 1, id="r")).result()
        with pytest.raises(WorkflowFailedError):
            await (await e.start(fails, id="f")).result()
        before = await e.handle("r").status()
        await e.time.sleep(8 * DAY)
        for run_id in ("r", "f"):
            assert (await e.handle(run_id).history())[0].type == "run_started"
            assert len(await e.handle(run_id).history()) == 2
        after = await e.handle("r").status()
        assert after.history_purged_at is not None
        assert (after.input, after.output, after.status) == (before.input, 3, RunStatus.COMPLETED)
        assert await e.handle("r").result() == 3
        with pytest.raises(WorkflowFailedError, match="broken"):
            await e.handle("f").result()
        assert [event.type async for event in e.watch("r")] == ["run_started", "run_completed"]
        handle = e.handle("r")
        for call in (handle.query("value"), handle.export_history(), e.fork("r", step=1), e.handle("f").retry()):
            with pytest.raises(HistoryPurgedError, match="was purged on 2030-01-08") as caught:
                await call
            assert caught.value.run_id in ("r", "f")


async def test_a_workflow_can_have_a_rule_of_its_own():
    """Its rule stands in place of the general one as a whole."""
    rules = Retention(completed=DAY, failed=DAY, workflows={"adds": Retention(completed=9 * DAY), "fails": Retention()})
    async with engine(retention=rules) as e:
        await (await e.start(adds, 1, id="a")).result()
        await e.start(fails, id="f")
        w = await e.start(waits, id="w")
        await w.signal("go")
        await w.result()
        await e.time.sleep(2 * DAY)
        assert await ids(e) == {"a", "f"}
        await e.time.sleep(9 * DAY)
        assert await ids(e) == {"f"}


async def test_a_run_with_an_open_child_and_a_failed_child_that_may_be_retried_stay():
    """An open child keeps its parent; a parent that is open or has failed keeps its failed child, until it can go itself."""
    async with engine(retention=Retention(completed=DAY, failed=DAY, terminated=DAY)) as e:
        await e.start(parent, "waits", "done", id="p")
        while "child" not in await ids(e):
            await asyncio.sleep(0)
        await e.handle("child").pause()  # so that it does not notice that it is asked to stop
        await e.handle("p").terminate()
        await e.time.sleep(3 * DAY)
        assert await ids(e) == {"p", "child"}
        assert (await e.handle("child").status()).parent_id == "p"
        await e.handle("child").terminate()
        await e.time.sleep(3 * DAY)
        assert await ids(e) == set()
    async with engine(retention=Retention(failed=DAY, workflows={"parent": Retention(failed=9 * DAY)})) as e:
        with pytest.raises(WorkflowFailedError):
            await (await e.start(parent, "fails", "done", id="p")).result()
        await e.time.sleep(8 * DAY)
        assert await ids(e) == {"p", "child"}
        await e.handle("p").retry()  # it redrives the child
        with pytest.raises(WorkflowFailedError):
            await e.handle("p").result()
        await e.time.sleep(9 * DAY + timedelta(hours=2))
        assert await ids(e) == set()


async def test_a_schedule_outlives_its_runs():
    """Purged runs are no business of a schedule any more: it goes on, skips nothing for them and starts none twice."""
    async with engine(retention=Retention(completed=timedelta(minutes=10))) as e:
        schedule = await e.schedule("s", adds, 1, spec=IntervalSpec(timedelta(hours=1)))
        await e.time.sleep(timedelta(hours=5, minutes=30))
        info = await schedule.describe()
        assert len(info.last_runs) == 5
        assert {run.status for run in info.last_runs} == {None}
        assert (info.skipped, info.missed) == (0, 0)
        assert await ids(e) == set()


async def test_nothing_falls_due_in_an_engine_that_keeps_everything():
    """Without a rule there is no alarm that would keep a time-skipping test from noticing that it stands still."""
    async with engine() as e:
        await (await e.start(adds, 1)).result()
        assert all(wake.cancelled for wake in e._clock._due)


async def test_purge_takes_what_it_is_told_and_purgeable_says_what_that_would_be():
    """Age, status and workflow choose; the report counts runs, events and their bytes; open runs never go."""
    async with engine() as e:
        for n in range(5):
            await (await e.start(adds, n, id=f"a{n}")).result()
        with pytest.raises(WorkflowFailedError):
            await (await e.start(fails, id="f")).result()
        await e.start(waits, id="open")
        await e.time.sleep(2 * DAY)
        await (await e.start(adds, 9, id="young")).result()
        would = await e.purgeable(older_than=DAY, status="completed", workflow="adds")
        assert (would.runs, would.events, would.shortened, would.held_back) == (5, 20, 0, 0)
        assert would.event_bytes > 1000
        assert len(await ids(e)) == 8
        assert await e.purge(older_than=DAY, status="completed", workflow="adds") == would
        assert await ids(e) == {"f", "open", "young"}
        assert (await e.purge(older_than=timedelta(0))).runs == 2
        assert await ids(e) == {"open"}
        assert await e.purge(older_than=timedelta(0)) == PurgeReport()
        for wrong in ({"status": "running"}, {"status": []}, {"older_than": -DAY}):
            with pytest.raises(ValueError, match=r"ended|negative"):
                await e.purge(**{"older_than": DAY, **wrong})  # type: ignore[arg-type]  wrong on purpose


async def test_deleting_a_run_takes_its_children_along_and_refuses_what_is_open():
    """Nothing is deleted while something below has not ended; a failed child goes only with its parent."""
    async with engine() as e:
        await e.start(parent, "adds", "wait", id="p")
        while len(await ids(e)) < 2 or (await e.handle("child").status()).status.is_open:
            await asyncio.sleep(0)
        with pytest.raises(WorkflowOpenError) as caught:
            await e.handle("p").delete()
        assert (caught.value.open_ids, caught.value.open_count) == (("p",), 1)
        await e.handle("p").signal("go", 1)
        await e.handle("p").result()
        assert (await e.handle("p").delete()).runs == 2
        assert await ids(e) == set()
        with pytest.raises(WorkflowNotFoundError):
            await e.handle("p").delete()
        with pytest.raises(WorkflowFailedError):
            await (await e.start(parent, "fails", "done", id="p")).result()
        with pytest.raises(WorkflowConflictError, match="retry of its parent 'p'"):
            await e.handle("child").delete()
        assert (await e.handle("p").delete()).runs == 2


async def test_an_id_that_was_purged_starts_a_new_run(tmp_path: Path):
    """The start is no repetition any more: with the run went what made it one. Keys are not used again, ids are."""
    url = f"sqlite:///{tmp_path}/journal.db"
    async with engine(url=url) as e:
        for n in (1, 2):
            await (await e.start(adds, n, id=f"r{n}")).result()
        last_key = e._runner._opened.core._last_key  # type: ignore[attr-defined]
        await e.handle("r2").delete()
    async with engine(url=url) as e:
        handle = await e.start(adds, 7, id="r2")
        assert await handle.result() == 9
        assert e._runner._opened.core._last_key == last_key + 1  # type: ignore[attr-defined]
        assert await (await e.start(adds, 8, id="r2")).result() == 9


async def test_a_run_that_is_followed_stays_until_nobody_follows_it_any_more():
    """Whoever reads a history to its end gets all of it, however short it is kept."""
    async with engine(retention=Retention(completed=timedelta(0), history=timedelta(0))) as e:
        await e.start(waits, id="r")
        events = e.watch("r")
        seen = [(await anext(events)).type]
        await e.handle("r").signal("go")
        while (await e.handle("r").status()).status.is_open:
            await asyncio.sleep(0)
        await e.time.sleep(timedelta(minutes=1))
        seen += [event.type async for event in events]
        assert seen == ["run_started", "signal_received", "run_completed"]
        await e.time.sleep(timedelta(hours=2))
        assert await ids(e) == set()


async def test_a_missing_query_is_not_mistaken_for_a_purged_history():
    """A whole history answers queries after its run has ended, and says when there is no such key."""
    async with engine(retention=Retention(history=DAY)) as e:
        await (await e.start(adds, 4, id="r")).result()
        assert await e.handle("r").query("value") == 4
        with pytest.raises(QueryNotFoundError):
            await e.handle("r").query("other")


@pytest.mark.parametrize(
    "rules",
    [
        {"completed": -DAY},
        {"history": timedelta(microseconds=-1)},
        {"workflows": {"w": Retention(workflows={"v": Retention()})}},
        {"workflows": {"w": Retention(payloads=2 * DAY)}},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rules: dict[str, Any]):
    """A retention is checked when it is made."""
    with pytest.raises(ValueError, match=r"retention|rule"):
        Retention(**rules)


async def test_a_backfill_of_purged_times_starts_them_again():
    """With the run went the knowledge that there was one."""
    async with engine(retention=Retention(completed=timedelta(minutes=10))) as e:
        start = e.time.now()
        schedule = await e.schedule("s", adds, 1, spec=CronSpec("0 * * * *"))
        await e.time.sleep(timedelta(hours=2, minutes=30))
        assert await ids(e) == set()
        assert len(await schedule.backfill(start, e.time.now())) >= 2
        assert len(await ids(e)) >= 2


async def test_a_rescued_document_of_a_shortened_run_says_that_it_is_not_whole(tmp_path: Path):
    """It was not damaged, so nothing is reported as lost; but nobody may take it for the whole history."""
    async with engine(url=f"sqlite:///{tmp_path}/journal.db", retention=Retention(history=DAY)) as e:
        await (await e.start(adds, 1, id="short")).result()
        await e.time.sleep(2 * DAY)
        await (await e.start(adds, 1, id="whole")).result()
    with rescue_journal(tmp_path / "journal.db") as rescue:
        complete = {document["run_id"]: document["complete"] for document in rescue.runs()}
    assert complete == {"short": False, "whole": True}
    assert rescue.report.is_sound
