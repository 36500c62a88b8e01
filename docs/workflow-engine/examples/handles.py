"""Children by handle, and requests to other runs."""

import asyncio

from maestro_workflow_engine import ParentClose, WorkflowEngine, receive, signal_run, start_child, workflow


# region: handle
@workflow
async def courier(parcel: str) -> str:
    return f"{parcel} to {await receive('address')}"


@workflow
async def audit(what: str) -> None:
    await signal_run("ledger", "entry", what)  # any run, by its id


@workflow
async def send(parcel: str) -> str:
    child = await start_child(courier, parcel)  # it is kept from here on
    await start_child(audit, f"{parcel} sent", on_parent_close=ParentClose.ABANDON)  # nobody waits for it
    await child.signal("address", "Baker Street")
    return await child  # or child.result(), as often as you like
    # endregion: handle


@workflow
async def ledger() -> str:
    return str(await receive("entry"))


async def main() -> None:
    async with WorkflowEngine.test([courier, audit, send, ledger]) as engine:
        book = await engine.start(ledger, id="ledger")
        print(await (await engine.start(send, "tea")).result())
        print(await book.result())


if __name__ == "__main__":
    asyncio.run(main())
