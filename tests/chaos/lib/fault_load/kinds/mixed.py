"""Steps in turn and at once, on the loop and in threads, retries, a timer and a child."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fault_load.kind import Drive, Simple, steps_of
from fault_load.record import Line
from fault_load.steps import act, act_at_last, act_in_thread
from maestro_workflow_engine import workflow


@workflow
async def mixed_child(knows: list[str]) -> str:
    """Be a run of its own."""
    await asyncio.sleep(0.001)
    return await act("child", knows)


@workflow
async def mixed() -> list[str]:
    """Do a little of everything."""
    keys = [await act("first", [])]
    keys += await asyncio.gather(act("left", keys), act_in_thread("right", keys), act_at_last("at last", keys))
    await asyncio.sleep(0.002)
    keys.append(await mixed_child(keys))
    async with asyncio.timeout(60):
        keys.append(await act_in_thread("last", keys))
    return keys


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(mixed, id=drive.run)
    drive.note("started")
    return await handle.result()


def _check(lines: Sequence[Line], outcome: list[str]) -> None:
    assert len(set(outcome)) == 6, outcome
    assert set(steps_of(lines)) == {"first", "left", "right", "at last", "last"}


KIND = Simple("mixed", [mixed, mixed_child], _drive, _check)
