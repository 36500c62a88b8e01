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
_EVERY_ON_CLUSTER = timedelta(seconds=1)  # the shortest that a cluster knows
_LISTED_S = 3.0  # a cluster lists runs a little later, and nothing tells when it has listed all
_FIRES = 4


@workflow
async def scheduled() -> str:
    """Be one run of the schedule."""
    return await act("fired", [])


async def _drive(drive: Drive) -> object:
    every = _EVERY_ON_CLUSTER if drive.on_cluster else _EVERY
    if not drive.noted("paused"):
        schedule = await drive.engine.schedule(
            drive.run, scheduled, spec=IntervalSpec(every), overlap=Overlap.ALLOW, catch_up=timedelta(hours=1)
        )
        drive.note("started")
        while len((await schedule.describe()).last_runs) < _FIRES:
            await asyncio.sleep(0.005)
        await schedule.pause("enough")
        drive.note("paused", every_us=every // timedelta(microseconds=1))
    if drive.on_cluster:
        await asyncio.sleep(_LISTED_S)
    runs = (await drive.engine.runs(workflow="scheduled", id_prefix=f"{drive.run}@", limit=1000)).runs
    return {run.id: await drive.engine.handle(run.id).result() for run in sorted(runs, key=lambda run: run.id)}


def _check(lines: Sequence[Line], outcome: dict[str, str]) -> None:
    assert len(outcome) >= _FIRES
    every = next(line.facts["every_us"] for line in lines if line.what == "paused") * timedelta(microseconds=1)
    times = sorted(datetime.fromisoformat(run_id.partition("@")[2].lstrip("-")) for run_id in outcome)
    assert all(after - before == every for before, after in pairwise(times)), times  # none is missing, none comes twice
    assert all(key.startswith(run_id) for run_id, key in outcome.items())


KIND = Simple("scheduled", [scheduled], _drive, _check)
