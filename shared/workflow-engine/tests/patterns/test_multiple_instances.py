"""Multiple instance patterns: 12 to 15 and 34 to 36."""

from __future__ import annotations

import asyncio
from itertools import islice

import pytest
from pattern_driving import Case, task, work

from maestro_workflow_engine import on_update, receive, step, workflow


@workflow
async def without_synchronization(people: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(task(f"notify-{person}"))
        await task("next")


async def test_12_mi_without_synchronization(case: Case):
    """The process goes on beside its instances; none is lost, though nothing joins them."""
    await case.start(without_synchronization, ["Ada", "Bob"])
    assert await case.enabled() == ["next", "notify-Ada", "notify-Bob"]
    await case.complete("next")
    assert await case.enabled() == ["notify-Ada", "notify-Bob"]
    await case.complete("notify-Bob", "notify-Ada")
    await case.result()
    assert case.done == ["next", "notify-Bob", "notify-Ada"]


@workflow
async def known_at_design_time() -> None:
    await asyncio.gather(*(task(f"director-{number}") for number in range(3)))
    await task("publish")


async def test_13_mi_with_a_priori_design_time_knowledge(case: Case):
    """Three instances run at once, and what follows waits for all of them."""
    await case.start(known_at_design_time)
    assert await case.enabled() == ["director-0", "director-1", "director-2"]
    await case.complete("director-2", "director-0")
    assert await case.enabled() == ["director-1"]
    await case.complete("director-1")
    assert await case.enabled() == ["publish"]


@step
async def count_parcels(order: str) -> int:
    await work("count")
    return len(order)


@workflow
async def known_at_run_time(order: str) -> None:
    parcels = await count_parcels(order)
    await asyncio.gather(*(task(f"parcel-{number}") for number in range(parcels)))
    await task("invoice")


@pytest.mark.parametrize("order", ["", "x", "xyz"])
async def test_14_mi_with_a_priori_run_time_knowledge(case: Case, order: str):
    """A step finds out how many instances there are, before the first begins; what follows waits for all."""
    await case.start(known_at_run_time, order)
    parcels = [f"parcel-{number}" for number in range(len(order))]
    for parcel in parcels:
        assert "invoice" not in await case.enabled()
        await case.complete(parcel)
    assert await case.enabled() == ["invoice"]
    assert case.done == ["count", *parcels]


@workflow
async def known_at_the_end() -> None:
    heard = asyncio.Event()

    def is_open(name: str) -> None:
        if heard.is_set():
            raise LookupError(f"the hearing is over; {name} comes too late")

    async with asyncio.TaskGroup() as witnesses:

        async def call(name: str) -> None:
            witnesses.create_task(task(f"witness-{name}"))

        on_update("call", call, validate=is_open)
        await call("first")
    heard.set()
    await task("close")


async def test_15_mi_without_a_priori_run_time_knowledge(case: Case):
    """Instances are added while others run; what follows waits for all, and then none can be added any more."""
    await case.start(known_at_the_end)
    await case.update("call", "second")
    await case.complete("witness-first")
    await case.update("call", "third")
    assert await case.enabled() == ["witness-second", "witness-third"]
    await case.complete("witness-third", "witness-second")
    assert await case.enabled() == ["close"]
    with pytest.raises(LookupError, match="late comes too late"):
        await case.update("call", "late")
    await case.complete("close")
    await case.result()
    assert case.done == ["witness-first", "witness-third", "witness-second", "close"]


@workflow
async def static_partial_join() -> None:
    experts = [asyncio.create_task(task(f"expert-{number}")) for number in range(4)]
    for opinion in islice(asyncio.as_completed(experts), 2):
        await opinion
    await task("decide")
    await asyncio.wait(experts)


async def test_34_static_partial_join_for_mi(case: Case):
    """Two of four instances enable what follows; the others go on without effect."""
    await case.start(static_partial_join)
    await case.complete("expert-3")
    assert "decide" not in await case.enabled()
    await case.complete("expert-1")
    assert await case.enabled() == ["decide", "expert-0", "expert-2"]
    await case.complete("expert-0", "decide", "expert-2")
    await case.result()
    assert case.done == ["expert-3", "expert-1", "expert-0", "decide", "expert-2"]


@workflow
async def cancelling_partial_join() -> None:
    searches = [asyncio.create_task(task(f"search-{number}")) for number in range(4)]
    for found in islice(asyncio.as_completed(searches), 2):
        await found
    for search in searches:
        search.cancel()
    await task("decide")


async def test_35_cancelling_partial_join_for_mi(case: Case):
    """Two of four instances enable what follows and withdraw the others."""
    await case.start(cancelling_partial_join)
    await case.complete("search-3", "search-0")
    assert await case.enabled() == ["decide"]
    await case.complete("decide")
    await case.result()
    assert case.done == ["search-3", "search-0", "decide"]


@workflow
async def dynamic_partial_join(needed: int) -> list[int]:
    bids: asyncio.Queue[int] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:

        async def bidder(name: str) -> None:
            bids.put_nowait(await receive(f"bid-{name}"))

        async def invite(name: str) -> None:
            group.create_task(bidder(name))

        on_update("invite", invite)
        await invite("first")
        got: list[int] = []
        while sum(got) < needed:
            got.append(await bids.get())
        await task("decide")
    return got


async def test_36_dynamic_partial_join_for_mi(case: Case):
    """A condition over what has come so far enables what follows, while instances are still added and running."""
    await case.start(dynamic_partial_join, 100)
    await case.update("invite", "second")
    await case.update("invite", "third")
    await case.complete("bid-second", payload=60)
    assert "decide" not in await case.enabled()
    await case.complete("bid-first", payload=50)
    assert await case.enabled() == ["bid-third", "decide"]
    await case.complete("decide")
    await case.complete("bid-third", payload=1000)
    assert await case.result() == [60, 50]
