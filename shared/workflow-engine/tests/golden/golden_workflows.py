"""The workflows of the golden journals. Their code is as golden as the journals: the runs in there replay with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from maestro_workflow_engine import (
    RetryPolicy,
    WorkflowCancelledError,
    WorkflowFailedError,
    continue_as_new,
    on_update,
    patched,
    publish,
    receive,
    run_child,
    step,
    step_info,
    workflow,
)


@step(retry=RetryPolicy(max_attempts=3, initial_interval=timedelta(seconds=2), jitter=0))
async def charge(cents: int) -> str:
    if step_info().attempt == 1:
        raise ConnectionError("try again")
    return f"paid {cents}"


@step
async def ship(place: str) -> str:
    raise ValueError(f"no way to {place}")


@workflow(name="golden/pick", version="1.0.0")
async def pick(item: str) -> str:
    if item == "broken":
        raise RuntimeError("broken on the shelf")
    return str(await receive("picked")) if item == "missing" else f"picked {item}"


@workflow(name="golden/order", version="2.0.0")
async def order(item: str, cents: int) -> list[Any]:
    notes: list[str] = []
    publish("item", item)

    async def note(text: str) -> int:
        notes.append(text)
        return len(notes)

    on_update("note", note)
    paid = await charge(cents)
    await asyncio.sleep(60)
    found = await pick(item) if patched("pick-first") else item
    return [paid, found, notes, await receive("approval")]


@workflow(name="golden/sender")
async def sender(place: str) -> str:
    return await ship(place)


@workflow(name="golden/waiter")
async def waiter(count: int) -> str:
    text = str(await receive("go"))
    if text == "again":
        continue_as_new(count + 1)
    return f"{count} {text}"


@workflow(name="golden/parent")
async def parent() -> list[str]:
    ends = []
    try:
        await run_child(pick, "broken", id="child-broken")
    except WorkflowFailedError as error:
        ends.append(error.failure.message)
    try:
        await run_child(pick, "missing", id="child-missing")
    except WorkflowCancelledError:
        ends.append("cancelled")
    return ends


ALL = [pick, order, sender, waiter, parent]
