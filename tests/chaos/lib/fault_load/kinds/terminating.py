"""Termination: the run ends at once, and nothing of it runs afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fault_load.kind import Drive, Simple
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import WorkflowTerminatedError, workflow


@workflow
async def terminated() -> None:
    """Work for ever."""
    while True:
        await act("on and on", [])
        await asyncio.sleep(0.002)


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(terminated, id=drive.run)
    drive.note("started")
    await asyncio.sleep(0.005)
    await handle.terminate("enough")
    drive.note("terminated", may_end=1 if drive.on_cluster else 0)  # another worker hears of it when its step ends
    try:
        return await handle.result()
    except WorkflowTerminatedError as error:
        return error.reason


def _check(lines: Sequence[Line], outcome: str) -> None:
    assert outcome == "enough"
    told = [line.what for line in lines].index("terminated")
    assert len([line for line in lines[told:] if line.what == "step"]) <= lines[told].facts["may_end"]


KIND = Simple("terminated", [terminated], _drive, _check)
