"""A schedule whose engine dies all the time: each of its times has one run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from fault_load.kind import Drive, Simple
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import IntervalSpec, Overlap, workflow

_EVERY = timedelta(milliseconds=40)
_EVERY_ON_CLUSTER = timedelta(seconds=1)  # the shortest that a cluster knows
_TRIES, _AGAIN_S = 150, 0.2
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
    return {run_id: await drive.engine.handle(run_id).result() for run_id in await _listed(drive, every)}


async def _listed(drive: Drive, every: timedelta) -> list[str]:
    """Return its runs; a cluster lists them a little later, so what is missing is waited for a while."""
    tries = _TRIES if drive.on_cluster else 1
    found: list[str] = []
    for _ in range(tries):
        runs = (await drive.engine.runs(workflow="scheduled", id_prefix=f"{drive.run}@", limit=1000)).runs
        found = sorted(run.id for run in runs)
        if len(found) >= _FIRES and _is_whole(found, every):
            break
        await asyncio.sleep(_AGAIN_S)
    return found


def _is_whole(runs: Iterable[str], every: timedelta) -> bool:
    """Tell whether no time is missing and none comes twice."""
    times = sorted(datetime.fromisoformat(run_id.partition("@")[2].lstrip("-")) for run_id in runs)
    return all(after - before == every for before, after in pairwise(times))


def _check(lines: Sequence[Line], outcome: dict[str, str]) -> None:
    assert len(outcome) >= _FIRES
    every = next(line.facts["every_us"] for line in lines if line.what == "paused") * timedelta(microseconds=1)
    assert _is_whole(outcome, every), outcome
    assert all(key.startswith(run_id) for run_id, key in outcome.items())


KIND = Simple("scheduled", [scheduled], _drive, _check)
