"""Errors, cancellation, undoing."""

import asyncio

from maestro_workflow_engine import (
    Saga,
    WorkflowCancelledError,
    WorkflowEngine,
    WorkflowFailedError,
    receive,
    step,
    workflow,
)


@step
async def reserve(what: str) -> str:
    print(f"reserve {what}")
    if what == "moon":
        raise LookupError("no rooms on the moon")
    return f"{what}-1"


@step
async def release(what: str) -> None:
    print(f"release {what}")


# region: undo
@workflow
async def travel(parts: list[str]) -> list[str]:
    booked: list[str] = []
    async with Saga() as saga:
        for part in parts:
            saga.add(release, part)  # before the step: it may have run when it fails
            booked.append(await reserve(part))
    return booked
    # endregion: undo


# region: cleanup
@workflow
async def stay(room: str) -> None:
    try:
        await reserve(room)
        await receive("check out")
    finally:
        await release(room)  # runs on cancellation as well, and across a restart in its middle
        # endregion: cleanup


async def main() -> None:
    async with WorkflowEngine.test([travel, stay]) as engine:
        # region: failed
        handle = await engine.start(travel, ["train", "moon"])
        try:
            await handle.result()
        except WorkflowFailedError as error:
            print(error.failure.type, "|", error.failure.message)
        # endregion: failed
        # region: cancelled
        guest = await engine.start(stay, "room 7", id="guest")
        await guest.cancel("closed for winter")
        try:
            await guest.result()
        except WorkflowCancelledError as error:
            print(error)
        # endregion: cancelled


if __name__ == "__main__":
    asyncio.run(main())
