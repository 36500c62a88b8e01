"""Schedules: made, changed, paused, triggered, listed, deleted; and what starts by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    CronSpec,
    IntervalSpec,
    Overlap,
    ScheduleNotFoundError,
    ScheduleSpecError,
    WorkflowNotFoundError,
    workflow,
)

pytestmark = pytest.mark.capability("schedules")

SOON = timedelta(seconds=30)
RARELY = CronSpec("0 3 29 2 *")


@workflow
async def order(what: str) -> str:
    return what


async def test_a_schedule_is_kept(place):
    """It is made, triggered, changed, paused, listed and deleted as in a journal."""
    async with place.engine(workflows=[order]) as engine:
        kept = await engine.schedule("nightly", order, "a", spec=CronSpec("0 3 * * *", "Europe/Berlin"))
        assert await (await kept.trigger()).result(SOON) == "a"
        found = await kept.describe()
        assert (found.workflow, found.input, found.spec) == ("order", "a", CronSpec("0 3 * * *", "Europe/Berlin"))
        await kept.update(spec=CronSpec("0 4 * * *"))
        await kept.pause("holiday")
        async with asyncio.timeout(20):
            while not (await kept.describe()).paused:  # a cluster shows a change a moment later
                await asyncio.sleep(0.02)
        assert [(s.id, s.spec, s.paused, s.note) for s in await engine.schedules()] == [
            ("nightly", CronSpec("0 4 * * *"), True, "holiday")
        ]
        await kept.delete()
        assert await engine.schedules() == []


async def test_a_schedule_starts_runs_by_itself(place):
    """Time after time, with its input, until it is paused."""
    async with place.engine(workflows=[order]) as engine:
        spec = IntervalSpec(timedelta(seconds=1))
        handle = await engine.schedule("often", order, "today", spec=spec, overlap=Overlap.ALLOW)
        async with asyncio.timeout(30):
            while len((found := await handle.describe()).last_runs) < 2:
                await asyncio.sleep(0.02)
        await handle.pause()
        later, earlier = found.last_runs[:2]
        assert later.scheduled_for - earlier.scheduled_for == timedelta(seconds=1)
        for run in (later, earlier):
            assert await engine.handle(run.id).result(SOON) == "today"
        assert (await handle.describe()).next_times == []


async def test_the_same_definition_is_the_same_schedule_and_another_one_changes_it(place):
    """Defining a schedule at every start of a program is safe; what differs takes effect; pausing is the operator's."""
    async with place.engine(workflows=[order]) as engine:
        spec = CronSpec("0 3 * * *", zone="Europe/Berlin")
        handle = await engine.schedule("nightly", order, "a", spec=spec)
        first = await handle.describe()
        assert (first.workflow, first.version, first.input, first.overlap) == ("order", "1.0.0", "a", Overlap.SKIP)
        await handle.pause("holidays")
        await engine.schedule("nightly", order, "a", spec=spec)
        same = await handle.describe()
        assert (same.created_at, same.paused, same.note) == (first.created_at, True, "holidays")
        await engine.schedule("nightly", "order", "b", spec=RARELY, overlap="allow", catch_up=timedelta(days=1))
        changed = await handle.describe()
        assert (changed.input, changed.spec, changed.overlap, changed.version) == ("b", RARELY, Overlap.ALLOW, None)
        assert (changed.catch_up, changed.created_at, changed.paused) == (timedelta(days=1), first.created_at, True)
        await handle.update(spec=spec, jitter=timedelta(minutes=3), overlap="buffer_one", catch_up=timedelta(hours=2))
        updated = await handle.describe()
        assert (updated.spec, updated.jitter, updated.catch_up) == (spec, timedelta(minutes=3), timedelta(hours=2))
        assert updated.overlap is Overlap.BUFFER_ONE


async def test_what_cannot_be_scheduled_is_refused_before_anything_is_kept(place):
    """Ids, times and workflows are checked; a schedule that is not there is named."""
    async with place.engine(workflows=[order]) as engine:
        with pytest.raises(ScheduleSpecError, match="no schedule id"):
            await engine.schedule("a@b", order, "x", spec=RARELY)
        with pytest.raises(ScheduleSpecError, match="catch_up"):
            await engine.schedule("s", order, "x", spec=RARELY, catch_up=timedelta(0))
        with pytest.raises(ScheduleSpecError, match="jitter"):
            await engine.schedule("s", order, "x", spec=RARELY, jitter=timedelta(seconds=-1))
        with pytest.raises(WorkflowNotFoundError):
            await engine.schedule("s", "ordre", "x", spec=RARELY)
        assert await engine.schedules() == []
        handle = engine.schedule_handle("s")
        for call in (handle.describe, handle.pause, handle.resume, handle.trigger, handle.delete, handle.update):
            with pytest.raises(ScheduleNotFoundError, match="no schedule 's'"):
                await call()
