"""A change of code in the midst of it: runs that passed the place before it was deployed keep the old side."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from fault_load.kind import Drive, steps_of
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import WorkflowDefinition, patched, workflow


@workflow(name="patched")
async def _old() -> list[str]:
    keys = [await act("old", [])]
    await asyncio.sleep(0.005)
    keys.append(await act("second", keys))
    return keys


@workflow(name="patched")
async def _new() -> list[str]:
    side = "new" if patched("side") else "old"
    keys = [await act(side, [])]
    await asyncio.sleep(0.005)
    if patched("side") != (side == "new"):
        raise AssertionError("the side was changed on the way")
    keys.append(await act("second", keys))
    return keys


class Patching:
    """Has two versions of its code."""

    name = "patched"
    on_cluster = True

    def workflows(self, *, new_code: bool) -> Iterable[WorkflowDefinition[..., Any]]:
        """Return the code of the time."""
        return [_new if new_code else _old]

    async def drive(self, drive: Drive) -> object:
        """Start it and wait."""
        handle = await drive.engine.start("patched", id=drive.run)
        drive.note("started")
        return await handle.result()

    def check(self, lines: Sequence[Line], outcome: list[str]) -> None:
        """Both steps, and never back to the old side. An old first step whose end was not kept may give way to the new one."""
        assert len(set(outcome)) == 2
        names = steps_of(lines)
        assert "second" in names
        assert {"old", "new"} & set(names)
        assert "new" not in names or "old" not in names[names.index("new") :]


KIND = Patching()
