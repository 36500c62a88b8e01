"""Workflows that run workflows."""

import asyncio

from maestro_workflow_engine import WorkflowEngine, WorkflowFailedError, receive, run_child, step, workflow


@step
async def scan(parcel: str) -> str:
    if parcel == "torn":
        raise ValueError("no label")
    return f"{parcel} scanned"


# region: child
@workflow
async def deliver(parcel: str) -> str:
    label = await scan(parcel)
    await receive("handed over")
    return label


@workflow
async def dispatch(parcels: list[str]) -> list[str]:
    async def one(number: int, parcel: str) -> str:
        try:
            return str(await run_child(deliver, parcel, id=f"parcel-{number}"))
        except WorkflowFailedError as error:
            return f"{error.run_id} failed: {error.failure.message}"

    return await asyncio.gather(*(one(number, parcel) for number, parcel in enumerate(parcels)))
    # endregion: child


async def main() -> None:
    async with WorkflowEngine.test([deliver, dispatch]) as engine:
        # region: outside
        handle = await engine.start(dispatch, ["books", "torn"], id="van-3")
        await engine.handle("parcel-0").signal("handed over")
        print(await handle.result())
        for run in (await engine.runs(parent="van-3")).runs:
            print(run.id, run.status, run.parent_id)
        # endregion: outside


if __name__ == "__main__":
    asyncio.run(main())
