from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from maestro_workflow_engine import (
    CronSpec,
    IntervalSpec,
    JournalWriteError,
    Overlap,
    RunStatus,
    ScheduleHandle,
    ScheduleInfo,
    ScheduleNotFoundError,
    ScheduleSpecError,
    WorkflowEngine,
    WorkflowNotFoundError,
    receive,
    workflow,
)
from maestro_workflow_engine.embedded import _clock
from maestro_workflow_engine.embedded._runner import EmbeddedRunner

SOON = timedelta(seconds=20)
RARELY = CronSpec("0 3 29 2 *")
OFTEN = IntervalSpec(timedelta(milliseconds=20))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


@workflow
async def report(day: str) -> str:
    return f"report of {day}"


@workflow
async def lasts() -> str:
    return str(await receive("end"))


class Clock:
    """The engine's clock, set to NOON; it goes on from there, and schedules look at it when it is set forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead_ns = int(NOON.timestamp()) * 10**9 - time.time_ns()
        monkeypatch.setattr(_clock, "time", SimpleNamespace(time_ns=lambda: time.time_ns() + self._ahead_ns))

    def forward(self, **passed: int) -> None:
        self._ahead_ns += timedelta(**passed) // timedelta(microseconds=1) * 1000

    def set(self, engine: WorkflowEngine, **passed: int) -> None:
        self.forward(**passed)
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        firing = runner.schedules._firing
        for schedule in list(firing.by_id.values()):
            firing.go_on(schedule)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def until(handle: ScheduleHandle, fits: Callable[[ScheduleInfo], Any]) -> ScheduleInfo:
    while not fits(info := await handle.describe()):
        await asyncio.sleep(0.002)
    return info


async def test_a_schedule_starts_runs_by_itself_under_ids_of_their_time():
    """Time after time a run starts, with its input, under `<schedule>@<UTC time>`."""
    async with WorkflowEngine("sqlite://", workflows=[report]) as engine:
        handle = await engine.schedule("often", report, "today", spec=OFTEN)
        info = await until(handle, lambda info: len(info.last_runs) >= 3)
        for run in info.last_runs:
            stamp = run.scheduled_for.isoformat().removesuffix("+00:00")
            assert run.id == f"often@{stamp}Z"
            assert await engine.handle(run.id).result(SOON) == "report of today"
        assert all(time.microsecond % 20_000 == 0 for time in info.next_times)


async def test_pausing_leaves_times_out_and_resuming_goes_on_with_the_next(clock: Clock):
    """What falls due while paused is neither started nor missed."""
    async with WorkflowEngine("sqlite://", workflows=[report]) as engine:
        handle = await engine.schedule("hourly", report, "x", spec=CronSpec("@hourly"), paused=True)
        assert (await handle.describe()).next_times == []
        clock.set(engine, hours=3)
        await handle.resume()
        assert (await handle.describe()).last_runs == []
        clock.set(engine, hours=1)
        info = await handle.describe()
        assert [run.scheduled_for for run in info.last_runs] == [NOON + timedelta(hours=4)]
        assert (info.missed, info.paused, info.note) == (0, False, "")
        await handle.pause("why")
        clock.set(engine, hours=1)
        info = await handle.describe()
        assert (len(info.last_runs), info.paused, info.note) == (1, True, "why")


async def test_a_buffered_run_starts_when_the_one_before_has_ended(clock: Clock):
    """With BUFFER_ONE one run waits, and the rest is skipped and counted."""
    async with WorkflowEngine("sqlite://", workflows=[lasts]) as engine:
        handle = await engine.schedule("s", lasts, spec=CronSpec("@hourly"), overlap=Overlap.BUFFER_ONE)
        for _ in range(3):
            clock.set(engine, hours=1)
        info = await handle.describe()
        assert (len(info.last_runs), info.buffered_for, info.skipped) == (1, NOON + timedelta(hours=2), 1)
        await engine.handle(info.last_runs[0].id).signal("end", "done")
        info = await until(handle, lambda info: len(info.last_runs) == 2)
        assert info.buffered_for is None
        assert [run.status for run in info.last_runs] == [RunStatus.RUNNING, RunStatus.COMPLETED]


async def test_the_other_run_is_cancelled_and_the_new_one_starts_once_it_has_ended(clock: Clock):
    """With CANCEL_OTHER the old run may clean up first, and never do two run at once."""
    log: list[str] = []

    @workflow
    async def tidies(name: str) -> None:
        log.append("begins")
        try:
            await receive("never")
        finally:
            log.append("tidies up")
            await asyncio.sleep(0.01)
            log.append("ends")

    async with WorkflowEngine("sqlite://", workflows=[tidies]) as engine:
        handle = await engine.schedule("s", tidies, "x", spec=CronSpec("@hourly"), overlap=Overlap.CANCEL_OTHER)
        clock.set(engine, hours=1)
        await until(handle, lambda _: log == ["begins"])
        clock.set(engine, hours=1)
        info = await until(handle, lambda info: len(info.last_runs) == 2)
        assert info.last_runs[1].status is RunStatus.CANCELLED
        await until(handle, lambda _: len(log) >= 4)
        assert log == ["begins", "tidies up", "ends", "begins"]


async def test_a_trigger_starts_a_run_at_once_paused_or_not(clock: Clock):
    """A triggered run has an id of its own, and later times respect it."""
    async with WorkflowEngine("sqlite://", workflows=[lasts]) as engine:
        handle = await engine.schedule("s", lasts, spec=CronSpec("@hourly"), paused=True)
        first, second = await asyncio.gather(handle.trigger(), handle.trigger())
        assert first.id != second.id
        await handle.resume()
        clock.set(engine, hours=1)
        info = await handle.describe()
        assert (len(info.last_runs), info.skipped) == (2, 1)
        for run in (first, second):
            await run.signal("end", "now")
            assert await run.result(SOON) == "now"
        clock.set(engine, hours=1)
        assert len((await handle.describe()).last_runs) == 3


async def test_a_backfill_starts_what_is_not_there_and_can_be_repeated(clock: Clock):
    """Each past time of a range has one run afterwards, however often it is asked for."""
    async with WorkflowEngine("sqlite://", workflows=[report]) as engine:
        handle = await engine.schedule("s", report, "x", spec=CronSpec("@hourly"))
        clock.set(engine, hours=1)
        start, end = NOON - timedelta(hours=3), NOON + timedelta(hours=1)
        runs, again = await asyncio.gather(handle.backfill(start, end), handle.backfill(start, end))
        assert [run.id for run in runs] == [f"s@2026-03-01T{hour:02}:00:00Z" for hour in (9, 10, 11, 12)]
        assert [run.id for run in again] == [run.id for run in runs]
        for run in runs:
            assert await run.result(SOON) == "report of x"
        assert len((await engine.runs()).runs) == 5
        assert await handle.backfill(end, start) == []
        with pytest.raises(ValueError, match="past"):
            await handle.backfill(start, NOON + timedelta(days=1))
        with pytest.raises(ValueError, match="aware"):
            await handle.backfill(datetime(2026, 1, 1), end)  # noqa: DTZ001  that is the point
        with pytest.raises(ValueError, match=r"10000|10,000"):
            await handle.backfill(NOON - timedelta(days=500), end)


async def test_a_time_that_has_its_run_already_does_not_start_it_again(clock: Clock):
    """Somebody started the run under its id by hand: the schedule moves on."""
    async with WorkflowEngine("sqlite://", workflows=[report]) as engine:
        handle = await engine.schedule("s", report, "x", spec=CronSpec("@hourly"))
        await engine.start(report, "by hand", id="s@2026-03-01T13:00:00Z")
        clock.set(engine, hours=1)
        clock.set(engine, hours=1)
        info = await handle.describe()
        assert [run.id for run in info.last_runs] == ["s@2026-03-01T14:00:00Z"]
        assert await engine.handle("s@2026-03-01T13:00:00Z").result(SOON) == "report of by hand"


async def test_after_an_absence_the_window_is_caught_up_with_and_the_rest_is_missed(tmp_path: Path, clock: Clock):
    """Settings, pauses, progress and buffered runs survive; late times within the window start, older ones are counted."""
    async with WorkflowEngine(url(tmp_path), workflows=[report, lasts]) as engine:
        await engine.schedule(
            "s", report, "x", spec=CronSpec("@hourly"), overlap="allow", catch_up=timedelta(hours=2, minutes=1)
        )
        paused = await engine.schedule("p", report, "x", spec=CronSpec("@hourly"))
        await paused.pause("kept")
        await engine.schedule("b", lasts, spec=CronSpec("@hourly"), overlap="buffer_one")
        clock.set(engine, hours=1)
        clock.set(engine, hours=1)
    clock.forward(hours=5)
    async with WorkflowEngine(url(tmp_path), workflows=[report, lasts]) as engine:
        info = await engine.schedule_handle("s").describe()
        assert [(run.scheduled_for - NOON) // timedelta(hours=1) for run in info.last_runs] == [7, 6, 5, 2, 1]
        assert (info.missed, info.next_times[0]) == (2, NOON + timedelta(hours=8))
        assert [await engine.handle(run.id).result(SOON) for run in info.last_runs] == ["report of x"] * 5
        info = await engine.schedule_handle("p").describe()
        assert (info.paused, info.note, info.last_runs) == (True, "kept", [])
        info = await engine.schedule_handle("b").describe()
        assert (info.buffered_for, info.missed, info.skipped) == (NOON + timedelta(hours=2), 4, 1)
        await engine.handle(info.last_runs[0].id).signal("end", 1)
        await until(engine.schedule_handle("b"), lambda info: len(info.last_runs) == 2)


async def test_a_run_that_ended_unseen_lets_the_buffered_one_start_at_the_next_opening(tmp_path: Path, clock: Clock):
    """What was journalled of a run's end counts, though the schedule's own row was not written with it."""
    async with WorkflowEngine(url(tmp_path), workflows=[lasts]) as engine:
        handle = await engine.schedule("b", lasts, spec=CronSpec("@hourly"), overlap="buffer_one")
        clock.set(engine, hours=1)
        clock.set(engine, hours=1)
        first = (await handle.describe()).last_runs[0].id
        await handle.pause()
        await engine.handle(first).signal("end", 1)
        await engine.handle(first).result(SOON)
    async with WorkflowEngine(url(tmp_path), workflows=[lasts]) as engine:
        handle = engine.schedule_handle("b")
        assert (await handle.describe()).buffered_for == NOON + timedelta(hours=2)
        await handle.resume()
        info = await handle.describe()
        assert (info.buffered_for, len(info.last_runs)) == (None, 2)


async def test_a_schedule_whose_workflow_is_missing_says_so_and_goes_on_when_it_comes(tmp_path: Path, clock: Clock):
    """Nothing is missed meanwhile that the window still holds."""
    async with WorkflowEngine(url(tmp_path), workflows=[report]) as engine:
        await engine.schedule("s", report, "x", spec=CronSpec("@hourly"))
    clock.forward(hours=1)
    async with WorkflowEngine(url(tmp_path)) as engine:
        handle = engine.schedule_handle("s")
        problem = (await handle.describe()).problem
        assert problem is not None
        assert "'report' is not registered" in problem
        with pytest.raises(WorkflowNotFoundError):
            await handle.trigger()
        engine.register(report)
        info = await handle.describe()
        assert (info.problem, info.missed) == (None, 0)
        assert await engine.handle(info.last_runs[0].id).result(SOON) == "report of x"


async def test_a_zone_that_the_database_has_lost_stops_its_schedule_and_not_the_engine(tmp_path: Path, clock: Clock):
    """An engine opens whatever became of a time zone; giving the schedule another one lets it go on."""
    async with WorkflowEngine(url(tmp_path), workflows=[report]) as engine:
        await engine.schedule("s", report, "x", spec=CronSpec("@hourly", zone="Europe/Berlin"))
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("UPDATE schedules SET settings = replace(settings, 'Europe/Berlin', 'Europe/Gone')")
    connection.close()
    async with WorkflowEngine(url(tmp_path), workflows=[report]) as engine:
        handle = engine.schedule_handle("s")
        with pytest.raises(ScheduleSpecError, match="Europe/Gone"):
            await handle.describe()
        await handle.update(spec=CronSpec("@hourly"))
        clock.set(engine, hours=1)
        info = await handle.describe()
        assert (info.problem, len(info.last_runs)) == (None, 1)


async def test_a_clock_that_is_set_back_neither_repeats_a_time_nor_spins(clock: Clock):
    """What has fired stays fired; an alarm that rang counts, though the clock says since that it is early."""
    async with WorkflowEngine("sqlite://", workflows=[report]) as engine:
        handle = await engine.schedule("s", report, "x", spec=CronSpec("@hourly"), overlap="allow")
        clock.set(engine, hours=1)
        clock.set(engine, hours=-1)
        clock.set(engine, hours=1)
        info = await handle.describe()
        assert [run.scheduled_for for run in info.last_runs] == [NOON + timedelta(hours=1)]
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        firing = runner.schedules._firing
        schedule = firing.by_id["s"]
        assert schedule.armed_us is not None
        rang = schedule.armed_us
        firing._ring(rang, schedule.number, 0)
        firing._ring(rang, schedule.number, 0)
        assert schedule.armed_us > rang
        assert len((await handle.describe()).last_runs) == 2


async def test_a_full_disk_refuses_changes_and_loses_no_fire(tmp_path: Path, clock: Clock):
    """While the journal cannot be written calls fail and change nothing; what fell due starts once there is room."""
    async with WorkflowEngine(url(tmp_path), workflows=[report]) as engine:
        handle = await engine.schedule("s", report, "x" * 50_000, spec=CronSpec("@hourly"))
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        connection = runner._opened.journal._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        before = await handle.describe()
        with pytest.raises(JournalWriteError):
            await handle.trigger()
        assert await handle.describe() == before
        with pytest.raises(JournalWriteError):
            await engine.schedule("t", report, "y" * 50_000, spec=RARELY)
        with pytest.raises(ScheduleNotFoundError):
            await engine.schedule_handle("t").describe()
        clock.set(engine, hours=1)
        connection.execute("PRAGMA max_page_count = 1000000")
        run = (await handle.describe()).last_runs[0]
        assert run.id == "s@2026-03-01T13:00:00Z"
        assert len(await engine.handle(run.id).result(SOON)) > 50_000


async def test_a_caller_that_goes_away_leaves_memory_and_disk_in_step(tmp_path: Path):
    """A cancelled call may have happened or not; either way the schedule can be worked with."""
    async with WorkflowEngine(url(tmp_path), workflows=[report]) as engine:
        gone = asyncio.create_task(engine.schedule("s", report, "x", spec=RARELY))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        handle = await engine.schedule("s", report, "y", spec=RARELY)
        assert (await handle.describe()).input == "y"
        await handle.pause("n")
    async with WorkflowEngine(url(tmp_path), workflows=[report]) as engine:
        info = await engine.schedule_handle("s").describe()
        assert (info.input, info.note) == ("y", "n")


WORKER = textwrap.dedent(
    """
    import asyncio, sys
    from datetime import timedelta
    from maestro_workflow_engine import IntervalSpec, WorkflowEngine, step, workflow

    @step
    async def record(n: int) -> None:
        print("fired", flush=True)

    @workflow
    async def fired(n: int) -> None:
        await record(n)

    async def main() -> None:
        async with WorkflowEngine(f"sqlite:///{sys.argv[1]}/journal.db", workflows=[fired]) as engine:
            spec = IntervalSpec(timedelta(milliseconds=10))
            await engine.schedule("s", fired, 1, spec=spec, overlap="allow", catch_up=timedelta(hours=1))
            await asyncio.Event().wait()

    asyncio.run(main())
    """
)


def test_killed_again_and_again_no_time_is_lost_and_none_fires_twice(tmp_path: Path):
    """SIGKILL at random moments: every time from the first to the last has exactly one run."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    for fires in (3, 11, 1, 25):
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(fires):
            assert process.stdout.readline() == "fired\n"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM runs ORDER BY key")]
        progress = connection.execute("SELECT progress FROM schedules").fetchone()[0]
    connection.close()
    times = [datetime.fromisoformat(run.removeprefix("s@")) for run in ids]
    assert times == [times[0] + n * timedelta(milliseconds=10) for n in range(len(times))]
    assert f'"done_us":{int(times[-1].timestamp()) * 1_000_000 + times[-1].microsecond}'.encode() in progress
