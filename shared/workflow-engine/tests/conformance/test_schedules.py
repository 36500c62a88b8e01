"""Schedules: made, changed, paused, triggered, listed, deleted; and what starts by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    CronSpec,
    EngineClosedError,
    IntervalSpec,
    Overlap,
    PayloadError,
    RunStatus,
    ScheduleInfo,
    ScheduleNotFoundError,
    ScheduleSpecError,
    WorkflowCancelledError,
    WorkflowNotFoundError,
    receive,
    workflow,
)

pytestmark = pytest.mark.capability("schedules")

SOON = timedelta(seconds=30)
RARELY = CronSpec("0 3 29 2 *")


@workflow
async def order(what: str) -> str:
    return what


@workflow
async def lasts() -> str:
    return str(await receive("end"))


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
        assert first.next_times[0].astimezone(ZoneInfo("Europe/Berlin")).time() == time(3)
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
        assert [info.id for info in await engine.schedules()] == ["nightly"]


async def test_what_cannot_be_scheduled_is_refused_before_anything_is_kept(place):
    """Ids, times and workflows are checked; a schedule that is not there is named."""
    async with place.engine(workflows=[order]) as engine:
        with pytest.raises(ScheduleSpecError, match="no schedule id"):
            await engine.schedule("a@b", order, "x", spec=RARELY)
        with pytest.raises(ScheduleSpecError, match="catch_up"):
            await engine.schedule("s", order, "x", spec=RARELY, catch_up=timedelta(0))
        with pytest.raises(ScheduleSpecError, match="jitter"):
            await engine.schedule("s", order, "x", spec=RARELY, jitter=timedelta(seconds=-1))
        with pytest.raises(PayloadError):
            await engine.schedule("s", order, spec=RARELY)
        with pytest.raises(PayloadError, match="input of workflow 'order'"):
            await engine.schedule("s", "order", 5, spec=RARELY)
        with pytest.raises(WorkflowNotFoundError):
            await engine.schedule("s", "ordre", "x", spec=RARELY)
        with pytest.raises(ValueError, match="nonsense"):
            await engine.schedule("s", order, "x", spec=RARELY, overlap="nonsense")
        assert await engine.schedules() == []
        handle = engine.schedule_handle("s")
        for call in (handle.describe, handle.pause, handle.resume, handle.trigger, handle.delete, handle.update):
            with pytest.raises(ScheduleNotFoundError, match="no schedule 's'"):
                await call()
    with pytest.raises(EngineClosedError):
        await engine.schedules()


async def test_a_trigger_starts_a_run_at_once_paused_or_not(place):
    """Each triggered run has an id of its own."""
    async with place.engine(workflows=[lasts]) as engine:
        handle = await engine.schedule("s", lasts, spec=RARELY, paused=True)
        first = await handle.trigger()
        second = await handle.trigger()
        assert first.id != second.id
        for run in (first, second):
            await run.signal("end", "now")
            assert await run.result(SOON) == "now"
        assert (await handle.describe()).paused


async def test_what_happens_while_a_run_has_not_ended(place):
    """Each overlap policy does what its name says, second by second."""
    every = IntervalSpec(timedelta(seconds=1))
    async with place.engine(workflows=[lasts]) as engine:
        handles = {name: await engine.schedule(name, lasts, spec=every, overlap=name) for name in Overlap}

        async def found(name: Overlap) -> ScheduleInfo:
            return await handles[name].describe()

        async def have_met() -> bool:
            """Whether each has been in the way of another run."""
            return (
                len((await found(Overlap.ALLOW)).last_runs) >= 3
                and len((await found(Overlap.CANCEL_OTHER)).last_runs) >= 2
                and (await found(Overlap.SKIP)).skipped >= 1
                and (await found(Overlap.BUFFER_ONE)).skipped >= 1
            )

        await place.until(have_met)
        for name in (Overlap.SKIP, Overlap.ALLOW, Overlap.CANCEL_OTHER):
            await handles[name].pause()
        for name in (Overlap.SKIP, Overlap.BUFFER_ONE):
            assert len((await found(name)).last_runs) == 1, name
        for run in (await found(Overlap.ALLOW)).last_runs:
            assert (await engine.handle(run.id).status()).status is RunStatus.RUNNING
        earlier = (await found(Overlap.CANCEL_OTHER)).last_runs[-1]
        with pytest.raises(WorkflowCancelledError):
            await engine.handle(earlier.id).result(SOON)
        await engine.handle((await found(Overlap.BUFFER_ONE)).last_runs[0].id).signal("end", "done")

        async def the_buffered_one_runs() -> bool:
            runs = (await found(Overlap.BUFFER_ONE)).last_runs
            return [run.status for run in runs][-2:] == [RunStatus.RUNNING, RunStatus.COMPLETED]

        await place.until(the_buffered_one_runs)


async def test_a_backfill_starts_what_is_not_there_and_can_be_repeated(place):
    """Each past time of a range has one run afterwards, however often it is asked for."""
    async with place.engine(workflows=[order]) as engine:
        handle = await engine.schedule("s", order, "x", spec=CronSpec("@hourly"), paused=True)
        end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start = end - timedelta(hours=3)
        runs, again = await asyncio.gather(handle.backfill(start, end), handle.backfill(start, end))
        assert [run.id for run in again] == [run.id for run in runs]
        assert len({run.id for run in runs}) == 3
        for run in runs:
            assert await run.result(SOON) == "x"
        assert await handle.backfill(end, start) == []
        with pytest.raises(ValueError, match="past"):
            await handle.backfill(start, end + timedelta(days=1))
        with pytest.raises(ValueError, match="aware"):
            await handle.backfill(datetime(2026, 1, 1), end)  # noqa: DTZ001  that is the point
        with pytest.raises(ValueError, match=r"10000|10,000"):
            await handle.backfill(end - timedelta(days=500), end)


async def test_a_deleted_schedule_starts_nothing_and_its_id_is_free(place):
    """Its runs go on; a schedule of the same id afterwards is a new one."""
    async with place.engine(workflows=[lasts, order]) as engine:
        handle = await engine.schedule("s", lasts, spec=RARELY)
        run = await handle.trigger()
        await handle.delete()
        with pytest.raises(ScheduleNotFoundError):
            await handle.describe()
        await engine.schedule("s", order, "x", spec=RARELY)
        found = await handle.describe()
        assert (found.workflow, found.last_runs) == ("order", [])
        await run.signal("end", 1)
        assert await run.result(SOON) == "1"


async def test_schedules_are_listed_in_parts(place):
    """A listing goes by id, begins after any id, ends at the limit, and a limit that is none is refused."""
    async with place.engine(workflows=[lasts]) as engine:
        for name in ("c", "a", "b"):
            await engine.schedule(name, lasts, spec=RARELY)

        async def are_listed() -> bool:
            return [info.id for info in await engine.schedules()] == ["a", "b", "c"]

        await place.until(are_listed)
        assert [info.id for info in await engine.schedules(limit=2)] == ["a", "b"]
        assert [info.id for info in await engine.schedules(limit=2, after="b")] == ["c"]
        assert [info.id for info in await engine.schedules(after="aa")] == ["b", "c"]
        assert await engine.schedules(after="z") == []
        with pytest.raises(ValueError, match="limit"):
            await engine.schedules(limit=0)


@pytest.mark.capability("encryption")
async def test_a_schedule_of_an_encrypted_engine_starts_runs_with_its_input(place):
    """After a restart too, and whatever the input looks like."""
    codec = AesGcmCodec({"k": b"k" * 32}, active="k")
    text = '{"$maestro.enc":"k","data":""}'
    async with place.engine(workflows=[order], codec=codec) as engine:
        await engine.schedule("s", order, text, spec=RARELY)
    async with place.engine(workflows=[order], codec=codec) as engine:
        handle = engine.schedule_handle("s")
        assert (await handle.describe()).input == text
        assert await (await handle.trigger()).result(SOON) == text
