"""The clock of the machine is set back and forward, while an engine runs and between two."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    IntervalSpec,
    Overlap,
    RetryPolicy,
    WorkflowEngine,
    now,
    receive,
    step,
    step_info,
    workflow,
)
from maestro_workflow_engine.embedded import _clock
from maestro_workflow_engine.embedded._clock import WallClock
from maestro_workflow_engine.embedded._surroundings import Surroundings

SOON = timedelta(seconds=30)
HOUR = timedelta(hours=1)


class SetClock(WallClock):
    """The machine's clock, set wrong by as much as one likes."""

    wrong_by = timedelta(0)

    def now_us(self) -> int:
        return super().now_us() + self.wrong_by // timedelta(microseconds=1)


class SetEngine(WorkflowEngine):
    """An engine that goes by it."""

    def _surroundings(self) -> Surroundings:
        self.clock = SetClock()
        return Surroundings(clock=self.clock)


@step(retry=RetryPolicy(max_attempts=3, initial_interval=HOUR, max_interval=HOUR))
async def stumbles() -> int:
    if step_info().attempt < 3:
        raise OSError("again")
    return step_info().attempt


@workflow
async def naps(length_s: float) -> list[str]:
    times = [now()]
    await asyncio.sleep(length_s)
    times.append(now())
    await receive("go")
    times.append(now())
    return [time.isoformat() for time in times]


@workflow
async def stumbling() -> int:
    return await stumbles()


@workflow
async def ticks() -> None: ...


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_clock, "_LONGEST_WAIT_S", 0.02)  # by itself an engine looks again every half minute


async def until_asleep(engine: WorkflowEngine, run: str, kind: str) -> None:
    while [wait.kind for wait in (await engine.handle(run).status()).waiting_for] != [kind]:
        await asyncio.sleep(0.001)


async def test_a_clock_set_forward_wakes_what_is_due():
    """Timers and retries an hour away fire soon after the clock has been set forward by that much."""
    async with SetEngine("sqlite://", workflows=[naps, stumbling]) as engine:
        nap = await engine.start(naps, HOUR.total_seconds(), id="nap")
        retry = await engine.start(stumbling, id="retry")
        await until_asleep(engine, "nap", "timer")
        for hours in (1, 2):
            while not [wait for wait in (await retry.status()).waiting_for if wait.until]:
                await asyncio.sleep(0.001)
            engine.clock.wrong_by = hours * (HOUR + timedelta(minutes=10))
            while len([e for e in await retry.history() if e.type in ("step_retrying", "step_completed")]) < hours + 1:
                await asyncio.sleep(0.001)
        assert await retry.result(SOON) == 3
        await nap.signal("go")
        first, second, _ = map(datetime.fromisoformat, await nap.result(SOON))
        assert second - first >= HOUR


async def test_a_clock_set_back_loses_nothing_and_time_in_a_run_never_does():
    """Signals, steps and starts go on with the clock an hour back; a run's own time stands still rather than go back."""
    async with SetEngine("sqlite://", workflows=[naps]) as engine:
        handle = await engine.start(naps, 0.01, id="r")
        await until_asleep(engine, "r", "signal")
        engine.clock.wrong_by = -HOUR
        await handle.signal("go")
        times = [datetime.fromisoformat(text) for text in await handle.result(SOON)]
        assert times == sorted(times)
        assert times[2] == times[1]
        waits = await engine.start(naps, 0.01, id="waits")  # begun and ended by the clock as it is now
        await waits.signal("go")
        await waits.result(SOON)
        engine.clock.wrong_by = timedelta(0)
        detail = await waits.status()
        assert detail.finished_at is not None
        assert detail.finished_at >= detail.created_at


async def test_a_timer_goes_by_the_clock_over_a_restart(tmp_path: Path):
    """A pending timer waits for its time of day: later after the clock went back, at once after it went forward."""
    url = f"sqlite:///{tmp_path}/journal.db"
    async with SetEngine(url, workflows=[naps]) as engine:
        await engine.start(naps, HOUR.total_seconds(), id="r")
        await until_asleep(engine, "r", "timer")
    engine = SetEngine(url, workflows=[naps])
    engine.clock.wrong_by = -HOUR
    async with engine:
        await until_asleep(engine, "r", "timer")
        engine.clock.wrong_by = HOUR + timedelta(seconds=1)
        await until_asleep(engine, "r", "signal")
        await engine.handle("r").signal("go")
        await engine.handle("r").result(SOON)


async def test_a_schedule_fires_once_for_each_time_whatever_the_clock_does(tmp_path: Path):
    """Set back: no time comes twice. Set forward: times that passed are caught up with, once each."""
    url = f"sqlite:///{tmp_path}/journal.db"
    every = timedelta(milliseconds=100)
    engine = SetEngine(url, workflows=[ticks])
    async with engine:
        schedule = await engine.schedule("tick", ticks, spec=IntervalSpec(every), overlap=Overlap.ALLOW, catch_up=HOUR)

        async def fired(count: int) -> None:
            while len((await engine.runs(limit=1000)).runs) < count:
                await asyncio.sleep(0.005)

        await fired(3)
        engine.clock.wrong_by = timedelta(seconds=-1)
        await asyncio.sleep(0.3)
        engine.clock.wrong_by = timedelta(seconds=2)
        await fired(20)
        await schedule.pause()
        runs = (await engine.runs(limit=1000)).runs
        times = sorted(datetime.fromisoformat(run.id.partition("@")[2]) for run in runs)
        assert len(set(times)) == len(times)
        assert all(after - before == every for before, after in pairwise(times))
        assert (await schedule.describe()).missed == 0


AWAKE = textwrap.dedent(
    """
    import asyncio, sys
    from datetime import timedelta
    from maestro_workflow_engine import WorkflowEngine, workflow

    @workflow
    async def naps() -> str:
        await asyncio.sleep(86_400 * 30)
        return "awake"

    async def main() -> None:
        async with WorkflowEngine(sys.argv[1], workflows=[naps]) as engine:
            handle = await engine.start(naps, id="r")
            try:
                print(await handle.result(timedelta(seconds=float(sys.argv[2]))))
            except TimeoutError:
                detail = await handle.status()
                print("asleep", detail.created_at.year)

    asyncio.run(main())
    """
)


def test_a_process_whose_clock_really_is_wrong(tmp_path: Path):
    """Under libfaketime: begun with the right clock, asleep with one a day back, awake with one two months ahead."""
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip(
            "faketime is not installed (Debian: apt-get install faketime); the tests above set a clock of their own"
        )

    def run(wait_s: float, offset: str | None) -> str:
        command = [sys.executable, "-c", AWAKE, f"sqlite:///{tmp_path}/journal.db", str(wait_s)]
        if offset is not None:
            command = [faketime, "-f", offset, *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run(0.1, None).startswith("asleep")
    assert run(0.1, "-1d").startswith("asleep")
    assert run(30, "+60d") == "awake\n"
