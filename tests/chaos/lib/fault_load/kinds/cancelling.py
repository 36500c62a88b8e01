"""Cancellation that reaches a child, and steps that clean up after it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fault_load.kind import Drive, Simple, steps_of
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import WorkflowCancelledError, receive, workflow


@workflow
async def cancelled_child() -> str:
    """Wait for what never comes."""
    return str(await receive("never"))


@workflow
async def cancelled() -> None:
    """Work until it is cancelled, then clean up."""
    knows: list[str] = []
    try:
        knows.append(await act("begin", []))
        await asyncio.gather(receive("never"), cancelled_child())
    finally:
        knows.append(await act("clean up", knows))
        await asyncio.sleep(0.001)
        await act("clean up more", knows)


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(cancelled, id=drive.run)
    drive.note("started")
    await asyncio.sleep(hash(drive.run) % 10 / 1000)
    if not drive.noted("cancelled"):
        await handle.cancel("enough")
        drive.note("cancelled")
    try:
        return f"returned {await handle.result()}"
    except WorkflowCancelledError:
        children = (await drive.engine.runs(parent=drive.run)).runs
        for child in children:
            try:
                return f"child returned {await drive.engine.handle(child.id).result()}"
            except WorkflowCancelledError:
                pass
        return "cancelled"


def _check(lines: Sequence[Line], outcome: str) -> None:
    assert outcome == "cancelled"
    assert {"clean up", "clean up more"} <= set(steps_of(lines))


KIND = Simple("cancelled", [cancelled, cancelled_child], _drive, _check)
