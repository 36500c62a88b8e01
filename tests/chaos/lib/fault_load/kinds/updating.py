"""Updates that run steps and are answered, a validator that refuses, and queries for what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fault_load.kind import Drive, Simple
from fault_load.record import Line
from fault_load.steps import act
from maestro_workflow_engine import WorkflowEndedError, WorkflowHandle, on_update, publish, receive, workflow

_COUNT = 4


def _only_small(value: int) -> None:
    if value > 100:
        raise ValueError(f"{value} is too much")


@workflow
async def updated() -> list[int]:
    """Add up what is asked for."""
    added: list[int] = []

    async def add(value: int) -> str:
        key = await act(f"add {value}", [])
        added.append(value)
        publish("added", added)
        return key

    publish("added", added)
    on_update("add", add, validate=_only_small, type=int)
    await receive("enough")
    return added


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(updated, id=drive.run)
    drive.note("started")
    if not drive.noted("ending"):
        await _ask(drive, handle)
        drive.note("ending")
    with suppress(WorkflowEndedError):  # an earlier process had sent it and died before it knew
        await handle.signal("enough")
    return await handle.result()


async def _ask(drive: Drive, handle: WorkflowHandle[Any]) -> None:
    for value in range(_COUNT):
        answer = await handle.update("add", value, id=f"add-{value}")
        drive.note("answered", value=value, answer=answer)
        if value not in (added := await handle.query("added")):
            drive.note("fault", text=f"query gave {added} after the answer for {value}")
    try:
        await handle.update("add", 1000, id="too-much")
        drive.note("fault", text="the validator was passed over")
    except ValueError:
        drive.note("refused")


def _check(lines: Sequence[Line], outcome: list[int]) -> None:
    assert outcome == list(range(_COUNT))
    answers: dict[int, set[str]] = {}
    for line in lines:
        if line.what == "answered":
            answers.setdefault(line.facts["value"], set()).add(line.facts["answer"])
    assert sorted(answers) == list(range(_COUNT))
    assert all(len(given) == 1 for given in answers.values()), answers  # asked again, the answer is the same
    assert any(line.what == "refused" for line in lines)


KIND = Simple("updated", [updated], _drive, _check)
