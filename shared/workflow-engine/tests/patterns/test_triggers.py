"""Trigger patterns: 23 and 24."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
from pattern_driving import Case, task, work

from maestro_workflow_engine import on_update, receive, workflow


@workflow
async def transient() -> list[int]:
    waiting: deque[asyncio.Future[int]] = deque()

    def somebody_waits(level: int) -> None:
        if not waiting:
            raise LookupError(f"nobody waits for alarm {level}")

    async def alarm(level: int) -> None:
        waiting.popleft().set_result(level)

    async def triggered() -> int:
        waiting.append(asyncio.get_running_loop().create_future())
        return await waiting[-1]

    on_update("alarm", alarm, validate=somebody_waits)
    await task("arm")
    first = await triggered()
    await work("check")
    await task("arm")
    return [first, await triggered()]


async def test_23_transient_trigger(case: Case):
    """A trigger that comes while a task waits for it is acted upon at once; one that comes at another time is lost."""
    await case.start(transient)
    with pytest.raises(LookupError, match="alarm 1"):
        await case.update("alarm", 1)
    await case.complete("arm")
    await case.update("alarm", 2)
    assert case.done == ["arm", "check"]
    with pytest.raises(LookupError, match="alarm 3"):
        await case.update("alarm", 3)
    await case.complete("arm")
    await case.update("alarm", 4)
    assert await case.result() == [2, 4]


@workflow
async def persistent() -> list[int]:
    await task("arm")
    return [await receive("alarm"), await receive("alarm")]


async def test_24_persistent_trigger(case: Case):
    """A trigger that nobody waits for yet is kept, each for one task, in the order in which they came."""
    await case.start(persistent)
    await case.complete("alarm", payload=1)
    await case.complete("alarm", payload=2)
    assert await case.enabled() == ["arm"]
    await case.complete("arm")
    assert await case.result() == [1, 2]
