"""Updates: requests that a workflow validates, handles and answers, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from pydantic import BaseModel

from maestro_workflow_engine import (
    EngineClosedError,
    UpdateFailedError,
    UpdateRejectedError,
    WorkflowEndedError,
    on_update,
    receive,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("updates")

SOON = timedelta(seconds=20)
priced: list[str] = []


@pytest.fixture(autouse=True)
def _fresh():
    priced.clear()


class Item(BaseModel):
    name: str
    count: int = 1


@step
async def price(name: str) -> int:
    priced.append(name)
    return len(name)


@workflow
async def cart() -> dict[str, int]:
    content: dict[str, int] = {}

    def valid(item: Item) -> None:
        if item.count < 1:
            raise ValueError("count must be 1 or more")

    async def add(item: Item) -> int:
        content[item.name] = item.count * await price(item.name)
        return sum(content.values())

    on_update("add", add, validate=valid, type=Item)
    await receive("checkout")
    return content


async def test_an_update_is_handled_with_steps_and_answered(place):
    """The caller gets the handler's result, after a restart too, and the run keeps what it did."""
    async with place.engine(workflows=[cart]) as engine:
        handle = await engine.start(cart, id="c")
        assert await handle.update("add", {"name": "tea"}, timeout=SOON) == 3
    async with place.engine(workflows=[cart]) as engine:
        handle = engine.handle("c")
        assert await handle.update("add", Item(name="milk", count=2), timeout=SOON) == 11
        await handle.signal("checkout")
        assert await handle.result(SOON) == {"tea": 3, "milk": 8}
    assert priced == ["tea", "milk"]


async def test_the_same_id_is_the_same_update(place):
    """Asking again, at once or later, gives the first answer and does nothing."""
    async with place.engine(workflows=[cart]) as engine:
        handle = await engine.start(cart)
        both = await asyncio.gather(*(handle.update("add", {"name": "tea"}, id="u-1", timeout=SOON) for _ in range(2)))
        assert [*both, await handle.update("add", {"name": "tea"}, id="u-1", timeout=SOON)] == [3, 3, 3]
    assert priced == ["tea"]


async def test_a_payload_that_reads_like_an_update_is_none(place):
    """Looking an update up by its id is not led astray by signals and updates whose payloads have the text of one."""
    async with place.engine(workflows=[cart]) as engine:
        handle = await engine.start(cart)
        await handle.signal("noise", {"type": "update_answered", "update_id": "u-2", "output": 0})
        await handle.update("add", {"name": "tea", "update_id": "u-2"}, id="u-1", timeout=SOON)
        assert await handle.update("add", {"name": "milk"}, id="u-2", timeout=SOON) == 7
    assert priced == ["tea", "milk"]


async def test_what_does_not_fit_is_rejected_before_it_is_handled(place):
    """Validators, types and missing handlers reject with their reason; the run goes on untouched."""
    async with place.engine(workflows=[cart]) as engine:
        handle = await engine.start(cart)
        with pytest.raises(ValueError, match="1 or more") as refused:
            await handle.update("add", {"name": "tea", "count": 0}, timeout=SOON)
        cause = refused.value.__cause__
        assert isinstance(cause, UpdateFailedError)
        assert (cause.update, cause.failure.type) == ("add", "builtins:ValueError")
        with pytest.raises(UpdateRejectedError, match="payload"):
            await handle.update("add", {"count": 1}, timeout=SOON)
        with pytest.raises(UpdateRejectedError, match="it handles add"):
            await handle.update("remove", {}, timeout=SOON)
        assert await handle.update("add", {"name": "tea"}, timeout=SOON) == 3
    assert priced == ["tea"]


async def test_an_update_that_the_run_does_not_live_to_answer_is_rejected(place):
    """When the run ends first, whoever waits is told; later ones too."""

    @workflow
    async def busy() -> None:
        async def never(_: object) -> None:
            await receive("nothing")

        on_update("never", never)
        await receive("end")

    async with place.engine(workflows=[busy]) as engine:
        handle = await engine.start(busy)
        waiting = asyncio.create_task(handle.update("never"))
        while len(await handle.history()) < 2:
            await asyncio.sleep(0.001)
        await handle.signal("end")
        with pytest.raises(UpdateRejectedError, match="ended before"):
            await waiting
        with pytest.raises(WorkflowEndedError):
            await handle.update("never")
        other = await engine.start(busy)
        with pytest.raises(TimeoutError):
            await other.update("never", timeout=timedelta(milliseconds=10))
        closing = asyncio.create_task(other.update("never"))
        await asyncio.sleep(0.01)
    with pytest.raises(EngineClosedError):
        await closing
