"""A run that never ends, with a history that stays short."""

import asyncio

from maestro_workflow_engine import WorkflowEngine, continue_as_new, publish, receive, workflow


# region: counter
@workflow
async def counter(total: int = 0) -> None:
    publish("total", total)
    for _ in range(100):
        total += await receive("add", type=int)
        publish("total", total)
    continue_as_new(total)
    # endregion: counter


async def main() -> None:
    async with WorkflowEngine.test([counter]) as engine:
        handle = await engine.start(counter, id="counter")
        for _ in range(250):
            await handle.signal("add", 2)
        print(await handle.query("total"), len(await handle.history()))


if __name__ == "__main__":
    asyncio.run(main())
