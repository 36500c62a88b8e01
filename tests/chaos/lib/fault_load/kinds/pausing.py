"""Pause and resume: once a pause is acknowledged, no further step begins, not even in another process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from fault_load.kind import Drive, Simple, steps_of
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import RunStatus, WorkflowEndedError, workflow

_STEPS = 6


@workflow
async def paused() -> list[str]:
    """Take steps with rests between them."""
    keys: list[str] = []
    for number in range(_STEPS):
        keys.append(await act(f"step {number}", keys))
        await asyncio.sleep(0.002)
    return keys


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(paused, id=drive.run)
    drive.note("started")
    if not drive.noted("resuming"):
        if not drive.noted("paused"):
            await asyncio.sleep(0.004)
            if (await handle.status()).status is RunStatus.RUNNING:
                await handle.pause("a rest")
                await asyncio.sleep(0.002)  # a step that was under way may end
                drive.note("paused")
        await asyncio.sleep(0.01)
        drive.note("resuming")
    with suppress(WorkflowEndedError):  # one that is not paused stays as it is
        await handle.resume()
    return await handle.result()


def _check(lines: Sequence[Line], outcome: list[str]) -> None:
    assert len(set(outcome)) == _STEPS
    assert set(steps_of(lines)) == {f"step {number}" for number in range(_STEPS)}
    whats = [line.what for line in lines]
    if "paused" in whats:
        rest = lines[whats.index("paused") : whats.index("resuming")]
        # One may have been under way; on a cluster it runs again after its worker was lost.
        assert len({line.facts["key"] for line in rest if line.what == "step"}) <= 1, whats


KIND = Simple("paused", [paused], _drive, _check)
