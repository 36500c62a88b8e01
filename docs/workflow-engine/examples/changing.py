"""Changing code while runs are under way."""

import asyncio
from datetime import timedelta

from maestro_workflow_engine import (
    NonDeterminismError,
    WorkflowDefinition,
    WorkflowEngine,
    patched,
    receive,
    replay,
    step,
    workflow,
)


@step
async def charge(order_id: str) -> str:
    return f"payment for {order_id}"


@step
async def check_fraud(order_id: str) -> str:
    return f"{order_id} is no fraud"


# region: before
@workflow(name="fulfil")
async def fulfil_before(order_id: str) -> str:
    payment = await charge(order_id)
    await receive("packed")
    return payment
    # endregion: before


# region: wrong
@workflow(name="fulfil")
async def fulfil_wrong(order_id: str) -> str:
    await check_fraud(order_id)  # runs under way have charged here
    payment = await charge(order_id)
    await receive("packed")
    return payment
    # endregion: wrong


# region: patched
@workflow(name="fulfil")
async def fulfil_patched(order_id: str) -> str:
    checked = await check_fraud(order_id) if patched("check-fraud") else "not checked"
    payment = await charge(order_id)
    await receive("packed")
    return f"{payment}, {checked}"
    # endregion: patched


# region: version
@workflow(name="fulfil", version="2.0.0")
async def fulfil_2(order_id: str) -> str:
    checked = await check_fraud(order_id)
    return f"{await charge(order_id)}, {checked}"
    # endregion: version


async def run_with(code: WorkflowDefinition[[str], str], order_id: str) -> str:
    async with WorkflowEngine("sqlite:///orders.db", workflows=[code]) as engine:
        handle = await engine.start(code, order_id, id=f"order-{order_id}")
        problem = (await handle.status()).problem
        if problem:
            return f"stuck: {problem}"
        await handle.signal("packed")
        return await handle.result(timedelta(seconds=10))


async def main() -> None:
    async with WorkflowEngine("sqlite:///orders.db", workflows=[fulfil_before]) as engine:
        for order_id in ("17", "18"):
            handle = await engine.start(fulfil_before, order_id, id=f"order-{order_id}")
            await anext(event async for event in engine.watch(handle.id) if event.type == "step_completed")
        document = await handle.export_history()

    # region: replay
    try:
        replay(document, fulfil_wrong)
    except NonDeterminismError as error:
        print(f"position {error.position}: the history has {error.expected}, the code asked for {error.found}")
    print(replay(document, fulfil_patched).waiting_for[0].name)
    # endregion: replay

    print(await run_with(fulfil_wrong, "17"))
    print(await run_with(fulfil_patched, "17"))
    print(await run_with(fulfil_patched, "19"))

    async with WorkflowEngine("sqlite:///orders.db", workflows=[fulfil_patched, fulfil_2]) as engine:
        print(await (await engine.start(fulfil_2, "20")).result())
        old = engine.handle("order-18")
        await old.signal("packed")
        print((await old.status()).version, await old.result())


if __name__ == "__main__":
    asyncio.run(main())
