"""Look after runs: what they wait for, why one is stuck, what has failed, what to do."""

import asyncio
from datetime import timedelta

from maestro_workflow_engine import (
    RunStatus,
    WorkflowEngine,
    WorkflowFailedError,
    receive,
    step,
    workflow,
)

_down = True


@step
async def call_bank() -> str:
    if _down:
        raise ConnectionError("the bank is down")
    return "paid"


@workflow
async def pay() -> str:
    return await call_bank()


@workflow
async def sleepy() -> str:
    await asyncio.sleep(3600)
    return str(await receive("go"))


async def main() -> None:
    global _down  # it stands for the world outside
    async with WorkflowEngine("sqlite:///bank.db", workflows=[pay, sleepy]) as engine:
        await engine.start(sleepy, id="sleepy")
        failed = await engine.start(pay, id="pay-1")
        try:
            await failed.result(timedelta(seconds=10))
        except WorkflowFailedError as error:
            print(error)

        # region: listing
        page = await engine.runs(status=RunStatus.FAILED, limit=100)
        while True:
            for run in page.runs:
                print(run.id, run.workflow, run.status)
            if page.next_cursor is None:
                break
            page = await engine.runs(status=RunStatus.FAILED, limit=100, cursor=page.next_cursor)
        # endregion: listing

        # region: waits
        detail = await engine.handle("sleepy").status()
        print(detail.status, [wait.kind for wait in detail.waiting_for], detail.problem)
        # endregion: waits

        # region: retry
        _down = False
        await failed.retry()  # goes on from the failed step; what completed before it does not run again
        print(await failed.result(timedelta(seconds=10)))
        # endregion: retry

    # region: stuck
    async with WorkflowEngine("sqlite:///bank.db", workflows=[pay]) as engine:  # somebody forgot to register `sleepy`
        handle = engine.handle("sleepy")
        await handle.signal("go", "now")  # kept all the same
        print((await handle.status()).problem)
        engine.register(sleepy)
        print((await handle.status()).problem)
        # endregion: stuck


if __name__ == "__main__":
    asyncio.run(main())
