"""Signals, sent before anybody asks for them and after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from fault_load.kind import Drive, Simple, check_marks, send_all
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import publish, receive, workflow

_COUNT = 6


@workflow
async def signalled() -> list[str]:
    """Collect what is sent, with a step in between now and then."""
    knows = [await act("before the first", [])]
    await asyncio.sleep(0.005)
    received: list[str] = []
    while (mark := await receive("mark", timeout=timedelta(minutes=10))) != "last":
        received.append(mark)
        publish("received", len(received))
        if len(received) % 3 == 0:
            knows.append(await act("in between", knows))
    return received


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(signalled, id=drive.run)
    drive.note("started")
    await send_all(drive, handle, "mark", _COUNT)
    return await handle.result()


def _check(lines: Sequence[Line], outcome: list[str]) -> None:
    assert len([line for line in lines if line.what == "signalled"]) >= _COUNT
    check_marks(lines, outcome)


KIND = Simple("signalled", [signalled], _drive, _check)
