"""A run that fails, is retried from the failed step, and is forked."""

from __future__ import annotations

from collections.abc import Sequence

from fault_load.kind import Drive, Simple
from fault_load.record import Line
from fault_load.steps import act, act_if_allowed
from maestro_workflow_engine import RunStatus, WorkflowConflictError, WorkflowFailedError, workflow


@workflow
async def branched() -> list[str]:
    """Stumble over its second step."""
    keys = [await act("first", [])]
    keys.append(await act_if_allowed("second", keys))
    keys.append(await act("third", keys))
    return keys


async def _drive(drive: Drive) -> object:
    handle = await drive.engine.start(branched, id=drive.run)
    drive.note("started")
    allowed = drive.folder / f"allowed-{drive.run}"
    if not allowed.exists():
        try:
            await handle.result()
            drive.note("fault", text="it succeeded without being allowed to")
        except WorkflowFailedError:
            drive.note("failed")
        allowed.touch()
    if (await handle.status()).status is RunStatus.FAILED:
        await handle.retry()
        drive.note("retried")
    result = await handle.result()
    try:
        fork = await drive.engine.fork(drive.run, step=2, id=f"{drive.run}~fork")
        drive.note("forked")
    except WorkflowConflictError:  # by an earlier process
        fork = drive.engine.handle(f"{drive.run}~fork")
    return [result, await fork.result()]


def _check(lines: Sequence[Line], outcome: list[list[str]]) -> None:
    own, forked = outcome
    assert len(set(own)) == 3
    assert forked[0] == own[0]  # taken over, not run again
    assert set(own) & set(forked) == {own[0]}
    assert all(key.startswith(f"{lines[0].run}~fork/") for key in forked[1:])


KIND = Simple("branched", [branched], _drive, _check)
