"""A workflow that is paused and resumed as a whole, whose runs set search attributes: what they say is found, exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fault_load.kind import Drive, Simple, steps_of
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import set_attributes, workflow

_STEPS = 4


@workflow
async def held() -> list[str]:
    """Take steps, and say after each how far it has come."""
    keys: list[str] = []
    for number in range(_STEPS):
        keys.append(await act(f"step {number}", keys))
        set_attributes(
            step=number, parity=["odd"] if number % 2 else ["even"], last=True if number == _STEPS - 1 else None
        )
    return keys


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(held, id=drive.run)
    drive.note("started")
    await drive.engine.pause_workflow(held, reason="chaos")
    await asyncio.sleep(0.003)
    await drive.engine.resume_workflow(held)
    keys = await handle.result()
    found = (await handle.status()).attributes
    listed = await drive.engine.runs(
        id_prefix=drive.run, attributes={"step": _STEPS - 1, "parity": "odd", "last": True}
    )
    return {"keys": keys, "attributes": found, "listed": [run.id for run in listed.runs if run.id == drive.run]}


def _check(lines: Sequence[Line], outcome: dict[str, object]) -> None:
    assert set(steps_of(lines)) == {f"step {number}" for number in range(_STEPS)}
    assert outcome["attributes"] == {"step": _STEPS - 1, "parity": ["odd"], "last": True}
    assert outcome["listed"] == [lines[0].run]


KIND = Simple("held", [held], _drive, _check, on_cluster=False)  # it pauses a workflow as a whole
