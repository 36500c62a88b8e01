"""Charge an order, wait for an approval, ship. Usage: orders.py [start | approve NAME | show]."""

import asyncio
import sys
from datetime import timedelta

from maestro_workflow_engine import WorkflowEngine, receive, step, workflow


# region: workflow
@step
async def charge(order_id: str, cents: int) -> str:
    print(f"charging {cents} cents for order {order_id}")
    return f"payment-{order_id}"


@step
async def ship(order_id: str) -> str:
    print(f"shipping order {order_id}")
    return f"parcel-{order_id}"


@workflow
async def fulfil(order_id: str) -> str:
    payment = await charge(order_id, 1250)
    await asyncio.sleep(0.1)  # a durable timer: it may as well be a month
    approval = await receive("approval", timeout=timedelta(days=3))
    parcel = await ship(order_id)
    return f"{payment} and {parcel}, approved by {approval}"
    # endregion: workflow


# region: start
async def start() -> None:
    async with WorkflowEngine("sqlite:///orders.db", workflows=[fulfil]) as engine:
        handle = await engine.start(fulfil, "17", id="order-17")
        await anext(event async for event in engine.watch(handle.id) if event.type == "timer_fired")
        print("the process ends here")
        # endregion: start


# region: approve
async def approve(name: str) -> None:
    async with WorkflowEngine("sqlite:///orders.db", workflows=[fulfil]) as engine:
        handle = await engine.start(fulfil, "17", id="order-17")  # the run that is there already
        await handle.signal("approval", name)
        print(await handle.result(timeout=timedelta(seconds=10)))
        # endregion: approve


# region: show
async def show() -> None:
    async with WorkflowEngine("sqlite:///orders.db", workflows=[fulfil]) as engine:
        for event in await engine.handle("order-17").history():
            print(event.position, event.type, *filter(None, [event.data.get("output")]))
        # endregion: show


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["start"]:
            asyncio.run(start())
        case ["approve", name]:
            asyncio.run(approve(name))
        case ["show"]:
            asyncio.run(show())
        case _:
            asyncio.run(start())
            asyncio.run(approve("Ada"))
            asyncio.run(show())
