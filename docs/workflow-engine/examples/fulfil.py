"""The first look at the engine."""

# region: workflow
import asyncio
from datetime import timedelta

from maestro_workflow_engine import RetryPolicy, WorkflowEngine, receive, step, workflow


@step(retry=RetryPolicy(max_attempts=5), timeout=timedelta(seconds=30))
async def charge(order_id: str, cents: int) -> str:
    return f"payment for {order_id}"


@workflow
async def fulfil(order_id: str) -> str:
    payment = await charge(order_id, 1250)
    await asyncio.sleep(0.1)  # a durable timer: it may as well be a year
    approval = await receive("approval", timeout=timedelta(days=3))
    return f"{payment}, approved by {approval['by']}"
    # endregion: workflow


async def main() -> None:
    async with WorkflowEngine("sqlite://", workflows=[fulfil]) as engine:
        handle = await engine.start(fulfil, "17", id="order-17")  # the same id again is the same run
        await handle.signal("approval", {"by": "operations"})
        print(await handle.result(timeout=timedelta(seconds=10)))


if __name__ == "__main__":
    asyncio.run(main())
