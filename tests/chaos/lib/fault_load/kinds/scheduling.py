"""A schedule whose engine dies all the time: each of its times has one run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from fault_load.kind import Drive, Simple
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import IntervalSpec, Overlap, workflow

_EVERY = timedelta(milliseconds=40)
_FIRES = 4


@workflow
async def scheduled() -> str:
    """Be one run of the schedule."""
    return await act("fired", [])


async def _drive(drive: Drive) -> object:
    if not drive.noted("paused"):
        schedule = await drive.engine.schedule(
            drive.run, scheduled, spec=IntervalSpec(_EVERY), overlap=Overlap.ALLOW, catch_up=timedelta(hours=1)
        )
        drive.note("started")
        while len((await schedule.describe()).last_runs) < _FIRES:
            await asyncio.sleep(0.005)
        await schedule.pause("enough")
        drive.note("paused")
    runs = (await drive.engine.runs(workflow="scheduled", limit=1000)).runs
    ours = sorted(run.id for run in runs if run.id.startswith(f"{drive.run}@"))
    return {run_id: await drive.engine.handle(run_id).result() for run_id in ours}


def _check(lines: Sequence[Line], outcome: dict[str, str]) -> None:
    assert len(outcome) >= _FIRES
    times = sorted(datetime.fromisoformat(run_id.partition("@")[2]) for run_id in outcome)
    assert all(after - before == _EVERY for before, after in pairwise(times)), (
        times
    )  # none is missing, none comes twice
    assert all(key.startswith(run_id) for run_id, key in outcome.items())


KIND = Simple("scheduled", [scheduled], _drive, _check)
