"""Timers, signals, updates, queries, time limits."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from maestro_workflow_engine import UpdateRejectedError, WorkflowEngine, on_update, publish, receive, workflow


# region: signal
@dataclass
class Approval:
    by: str
    cents: int


@workflow
async def purchase(cents: int) -> str:
    publish("state", "waiting for approval")
    try:
        approval: Approval = await receive("approval", timeout=timedelta(days=30), type=Approval)
    except TimeoutError:
        return "nobody approved within 30 days"
    publish("state", "approved")
    return f"{approval.by} approved {approval.cents} of {cents} cents"
    # endregion: signal


# region: reminders
@workflow
async def reminded() -> list[str]:
    said: list[str] = []

    async def remind() -> None:
        while True:
            await asyncio.sleep(7 * 24 * 3600)
            said.append("a week has passed")

    reminders = asyncio.create_task(remind())
    try:
        said.append(await receive("answer", timeout=timedelta(days=30)))
    except TimeoutError:
        said.append("no answer")
    reminders.cancel()
    return said
    # endregion: reminders


# region: update
@workflow
async def basket() -> list[str]:
    items: list[str] = []
    paid = asyncio.Event()

    def in_stock(item: str) -> None:
        if item == "unicorn":
            raise LookupError("we have no unicorns")

    async def add(item: str) -> int:  # may call steps; runs beside the workflow
        items.append(item)
        return len(items)

    async def pay(_: None) -> None:
        paid.set()

    on_update("add", add, validate=in_stock, type=str)
    on_update("pay", pay)
    await paid.wait()
    return items
    # endregion: update


async def main() -> None:
    async with WorkflowEngine.test([purchase, reminded, basket]) as engine:
        handle = await engine.start(purchase, 1250)
        await engine.time.sleep(timedelta(days=2))
        print(await handle.query("state"))
        await handle.signal("approval", Approval("Ada", 1000))
        print(await handle.result())
        print(await (await engine.start(purchase, 99)).result())
        print(await (await engine.start(reminded)).result())

        # region: asking
        shopping = await engine.start(basket)
        print(await shopping.update("add", "book"))
        print(await shopping.update("add", "pen", id="click-2"))
        print(await shopping.update("add", "pen", id="click-2"))  # the same request: the same answer, nothing added
        try:
            await shopping.update("add", "unicorn")
        except LookupError as error:
            print("refused:", error)
        try:
            await shopping.update("remove", "book")
        except UpdateRejectedError as error:
            print("refused:", error.reason)
        await shopping.update("pay")
        print(await shopping.result())
        # endregion: asking


if __name__ == "__main__":
    asyncio.run(main())
