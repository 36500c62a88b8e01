"""Keep ended runs for a while: two months in a moment, on an engine whose time jumps."""

import asyncio
from datetime import timedelta

from maestro_workflow_engine import HistoryPurgedError, Retention, WorkflowEngine, step, workflow


@step
async def pack(number: int) -> str:
    return f"parcel {number}"


@workflow
async def order(number: int) -> str:
    return await pack(number)


@workflow
async def audit(number: int) -> str:
    return f"audit {number}"


# region: rules
RULES = Retention(
    completed=timedelta(days=30),
    failed=timedelta(days=90),
    history=timedelta(days=7),
    workflows={"audit": Retention()},  # a rule of its own, in place of the above as a whole: for ever
)
# endregion: rules


async def main() -> None:
    async with WorkflowEngine.test([order, audit], retention=RULES) as engine:
        await (await engine.start(order, 1, id="order-1")).result()
        await (await engine.start(audit, 1, id="audit-1")).result()

        await engine.time.sleep(timedelta(days=8))
        print(await engine.handle("order-1").result())
        try:
            await engine.handle("order-1").export_history()
        except HistoryPurgedError as error:
            print(error)

        await engine.time.sleep(timedelta(days=30))
        print([run.id for run in (await engine.runs()).runs])

        # region: by_hand
        print(await engine.purgeable(older_than=timedelta(days=7), status="completed", workflow="audit"))
        await engine.handle("audit-1").delete()
        # endregion: by_hand
        print((await engine.runs()).runs)


if __name__ == "__main__":
    asyncio.run(main())
