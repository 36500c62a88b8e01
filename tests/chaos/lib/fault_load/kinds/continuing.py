"""continue_as_new, with signals that arrive between two passes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fault_load.kind import Drive, Simple, check_marks, send_all, steps_of
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import continue_as_new, receive, workflow

_PASSES = 4
_SIGNALS = 3


@workflow
async def continued(turn: int, keys: list[str]) -> list[list[str]]:
    """Start over a few times, then collect the signals that came on the way."""
    keys = [*keys, await act(f"turn {turn}", keys)]
    await asyncio.sleep(0.001)
    if turn < _PASSES:
        continue_as_new(turn + 1, keys)
    received = []
    while (mark := await receive("mark")) != "last":
        received.append(mark)
    return [keys, received]


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(continued, 1, [], id=drive.run)
    drive.note("started")
    await send_all(drive, handle, "mark", _SIGNALS)
    return await handle.result()


def _check(lines: Sequence[Line], outcome: list[list[str]]) -> None:
    keys, received = outcome
    assert len(set(keys)) == _PASSES
    assert set(steps_of(lines)) == {f"turn {turn}" for turn in range(1, _PASSES + 1)}
    check_marks(lines, received)


KIND = Simple("continued", [continued], _drive, _check)
