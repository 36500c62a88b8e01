"""Plain asyncio in workflows."""

import asyncio

from maestro_workflow_engine import WorkflowEngine, step, workflow


@step
async def quote(shop: str) -> int:
    if shop == "closed":
        raise ConnectionError("the shop is closed")
    await asyncio.sleep(len(shop) / 100)
    return len(shop) * 100


# region: all
@workflow
async def all_quotes(shops: list[str]) -> list[int]:
    at_once = asyncio.Semaphore(2)  # the steps of this run, two at a time

    async def ask(shop: str) -> int:
        async with at_once:
            return await quote(shop)

    return await asyncio.gather(*(ask(shop) for shop in shops))
    # endregion: all


# region: first
@workflow
async def first_quote(shops: list[str]) -> int:
    asked = [asyncio.create_task(quote(shop)) for shop in shops]
    done, others = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()  # stops a step that is running
    return min(task.result() for task in done)
    # endregion: first


# region: group
@workflow
async def every_quote_or_none(shops: list[str]) -> list[int] | str:
    try:
        async with asyncio.timeout(3600), asyncio.TaskGroup() as group:  # one failure stops the others
            tasks = [group.create_task(quote(shop)) for shop in shops]
    except ExceptionGroup as failures:
        return f"given up: {failures.exceptions[0]}"
    return [task.result() for task in tasks]
    # endregion: group


async def main() -> None:
    async with WorkflowEngine("sqlite://", workflows=[all_quotes, first_quote, every_quote_or_none]) as engine:
        shops = ["corner", "station", "market"]
        print(await (await engine.start(all_quotes, shops)).result())
        print(await (await engine.start(first_quote, ["corner", "a-shop-that-takes-much-longer"])).result())
        print(await (await engine.start(every_quote_or_none, [*shops, "closed"])).result())


if __name__ == "__main__":
    asyncio.run(main())
