"""Tests of a workflow, as a user writes them."""

from datetime import timedelta
from pathlib import Path

import pytest
from approvals import charge, fulfil, remind

from maestro_workflow_engine import StandstillError, WorkflowEngine, receive, replay_all, workflow

DAY = timedelta(days=1)


# region: stand-ins
async def test_an_approval_on_the_second_day() -> None:
    reminded: list[str] = []

    def keep(order_id: str) -> None:
        reminded.append(order_id)

    async with WorkflowEngine.test([fulfil], steps={charge: lambda order_id, cents: "paid", remind: keep}) as engine:
        handle = await engine.start(fulfil, "17")
        await engine.time.sleep(1.5 * DAY)  # a day and a half of virtual time
        assert reminded == ["17"]
        await handle.signal("approval", "Ada")
        assert await handle.result(timeout=2 * DAY) == "paid, approved by Ada"
    # endregion: stand-ins


# region: timeout
async def test_nobody_approves() -> None:
    async with WorkflowEngine.test(
        [fulfil], steps={charge: lambda order_id, cents: "paid", "remind": lambda order_id: None}
    ) as engine:
        began = engine.time.now()
        handle = await engine.start(fulfil, "17")
        assert await handle.result() == "paid, not approved"
        assert engine.time.now() - began == 3 * DAY
    # endregion: timeout


# region: standstill
@workflow
async def forgotten() -> None:
    await receive("a signal that the test forgets to send")


async def test_a_forgotten_signal_is_named() -> None:
    async with WorkflowEngine.test([forgotten], patience=timedelta(milliseconds=100)) as engine:
        handle = await engine.start(forgotten)
        with pytest.raises(StandstillError, match="waits for signal 'a signal that the test forgets to send'"):
            await handle.result()
    # endregion: standstill


# region: histories
def test_yesterdays_runs_still_fit() -> None:
    replay_all(Path(__file__).parent / "histories", [fulfil])
    # endregion: histories
