"""A test of the first look at the engine."""

from datetime import timedelta

from fulfil import charge, fulfil

from maestro_workflow_engine import WorkflowEngine


async def test_an_approval_after_two_days() -> None:
    # region: test
    async with WorkflowEngine.test([fulfil], steps={charge: lambda order_id, cents: "paid"}) as engine:
        handle = await engine.start(fulfil, "17")
        await engine.time.sleep(timedelta(days=2))  # two days of virtual time
        await handle.signal("approval", {"by": "Ada"})
        assert await handle.result(timeout=timedelta(days=5)) == "paid, approved by Ada"
    # endregion: test
