"""Finding runs by what they are about, and stopping a whole workflow."""

import asyncio
from datetime import timedelta

from maestro_workflow_engine import (
    RunFilter,
    StartOptions,
    WorkflowEngine,
    between,
    one_of,
    prefix,
    receive,
    set_attributes,
    workflow,
)


# region: set
@workflow
async def fulfil(order_id: str, cents: int) -> str:
    set_attributes(stage="waiting", cents=cents, sku=["A-17", "B-2"])
    await receive("packed")
    set_attributes(stage="sent", sku=None)  # None removes one
    return f"sent {order_id}"


# endregion: set


async def main() -> None:
    async with WorkflowEngine.test([fulfil]) as engine:
        # region: find
        for number, customer in enumerate(["acme", "acme", "other"]):
            options = StartOptions(attributes={"customer": customer, "region": "eu"})
            await engine.start(fulfil, f"order {number}", 1000 * number, id=f"o{number}", options=options)
        await engine.time.sleep(timedelta(seconds=1))

        page = await engine.runs(status="running", attributes={"customer": "acme", "cents": between(1000, 2000)})
        print([(run.id, run.attributes["stage"]) for run in page.runs])
        wanted = RunFilter(attributes={"sku": prefix("A-"), "region": one_of("eu", "us")})
        first = await engine.runs(wanted, order="oldest", limit=2)
        rest = await engine.runs(wanted, order="oldest", limit=2, cursor=first.next_cursor)
        print([run.id for run in [*first.runs, *rest.runs]], await engine.count(wanted))
        print(await engine.cancel_all(RunFilter(attributes={"customer": "other"}), "account closed"))
        # endregion: find

        # region: pause
        await engine.pause_workflow("fulfil", reason="the printer is broken")
        handle = engine.handle("o1")
        await handle.signal("packed")
        detail = await handle.status()
        print(detail.status, detail.paused_with and detail.paused_with.reason)
        await engine.resume_workflow("fulfil")
        print(await handle.result())
        # endregion: pause


if __name__ == "__main__":
    asyncio.run(main())
