"""Advanced branching and synchronisation patterns that join some of many branches: 9 and 28 to 33.

The structured joins run over the tasks of one split. The others have a queue for each incoming branch, which holds what arrives
before its turn: the place before a transition of a Petri net.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import islice

from pattern_driving import Case, task

from maestro_workflow_engine import workflow


@workflow
async def structured_discriminator(rounds: int) -> None:
    for _ in range(rounds):
        branches = [asyncio.create_task(task(name)) for name in ("A", "B")]
        await asyncio.wait(branches, return_when=asyncio.FIRST_COMPLETED)
        await task("C")
        await asyncio.wait(branches)


async def test_09_structured_discriminator(case: Case):
    """The first branch enables C, the other one does not; when it has come, the join can fire again."""
    await case.start(structured_discriminator, 2)
    await case.complete("B")
    assert await case.enabled() == ["A", "C"]
    await case.complete("C")
    assert await case.enabled() == ["A"]
    await case.complete("A")
    assert await case.enabled() == ["A", "B"]
    await case.complete("A", "B", "C")
    await case.result()
    assert case.done == ["B", "C", "A", "A", "B", "C"]


async def arriving(name: str, place: asyncio.Queue[str], times: int) -> None:
    """A branch that may come several times before the others have come once."""
    for _ in range(times):
        place.put_nowait(await task(name))


@workflow
async def blocking_discriminator() -> None:
    a: asyncio.Queue[str] = asyncio.Queue()
    b: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(arriving("A", a, 2))
        group.create_task(arriving("B", b, 2))
        for _ in range(2):
            arrivals = [group.create_task(place.get()) for place in (a, b)]
            await asyncio.wait(arrivals, return_when=asyncio.FIRST_COMPLETED)
            group.create_task(task("C"))
            await asyncio.wait(arrivals)


async def test_28_blocking_discriminator(case: Case):
    """A branch that comes again before the join has reset is held, and counts after the reset."""
    await case.start(blocking_discriminator)
    await case.complete("A", "A")
    assert await case.enabled() == ["B", "C"]
    await case.complete("C")
    assert await case.enabled() == ["B"]
    await case.complete("B")
    assert await case.enabled() == ["B", "C"]
    await case.complete("C", "B")
    await case.result()
    assert case.done == ["A", "A", "C", "B", "C", "B"]


@workflow
async def cancelling_discriminator(rounds: int) -> None:
    for _ in range(rounds):
        branches = [asyncio.create_task(task(name)) for name in ("A", "B", "D")]
        _, late = await asyncio.wait(branches, return_when=asyncio.FIRST_COMPLETED)
        for branch in late:
            branch.cancel()
        await task("C")


async def test_29_cancelling_discriminator(case: Case):
    """The first branch enables C and withdraws the others; the join can then fire again."""
    await case.start(cancelling_discriminator, 2)
    await case.complete("B")
    assert await case.enabled() == ["C"]
    await case.complete("C", "D", "C")
    await case.result()
    assert case.done == ["B", "C", "D", "C"]


async def first(count: int, branches: Iterable[asyncio.Task[str]]) -> None:
    """Wait for some of the branches, whichever come first."""
    for arrival in islice(asyncio.as_completed(branches), count):
        await arrival


@workflow
async def structured_partial_join(rounds: int) -> None:
    for _ in range(rounds):
        branches = [asyncio.create_task(task(name)) for name in ("A", "B", "D")]
        await first(2, branches)
        await task("C")
        await asyncio.wait(branches)


async def test_30_structured_partial_join(case: Case):
    """Two of three branches enable C, the third does not; when it has come, the join can fire again."""
    await case.start(structured_partial_join, 2)
    await case.complete("D")
    assert await case.enabled() == ["A", "B"]
    await case.complete("A")
    assert await case.enabled() == ["B", "C"]
    await case.complete("B", "C")
    assert await case.enabled() == ["A", "B", "D"]
    await case.complete("A", "B", "C", "D")
    await case.result()
    assert case.done == ["D", "A", "B", "C", "A", "B", "C", "D"]


@workflow
async def blocking_partial_join() -> None:
    places: dict[str, asyncio.Queue[str]] = {name: asyncio.Queue() for name in ("A", "B", "D")}
    async with asyncio.TaskGroup() as group:
        for name, place in places.items():
            group.create_task(arriving(name, place, 2))
        for _ in range(2):
            arrivals = [group.create_task(place.get()) for place in places.values()]
            await first(2, arrivals)
            group.create_task(task("C"))
            await asyncio.wait(arrivals)


async def test_31_blocking_partial_join(case: Case):
    """A branch that comes twice counts once before the reset; after it, what was held counts at once."""
    await case.start(blocking_partial_join)
    await case.complete("A", "A")
    assert await case.enabled() == ["B", "D"]
    await case.complete("B")
    assert await case.enabled() == ["B", "C", "D"]
    await case.complete("B", "C")
    assert await case.enabled() == ["D"]
    await case.complete("D")
    assert await case.enabled() == ["C", "D"]
    await case.complete("C", "D")
    await case.result()
    assert case.done == ["A", "A", "B", "B", "C", "D", "C", "D"]


@workflow
async def cancelling_partial_join() -> None:
    branches = [asyncio.create_task(task(name)) for name in ("A", "B", "D")]
    await first(2, branches)
    for branch in branches:
        branch.cancel()
    await task("C")


async def test_32_cancelling_partial_join(case: Case):
    """Two of three branches enable C and withdraw the third."""
    await case.start(cancelling_partial_join)
    await case.complete("D", "B")
    assert await case.enabled() == ["C"]
    await case.complete("C")
    await case.result()
    assert case.done == ["D", "B", "C"]


@workflow
async def generalised_and_join() -> None:
    places: dict[str, asyncio.Queue[str]] = {name: asyncio.Queue() for name in ("A", "B")}
    async with asyncio.TaskGroup() as group:
        for name, place in places.items():
            group.create_task(arriving(name, place, 2))
        for _ in range(2):
            await asyncio.gather(*(place.get() for place in places.values()))
            group.create_task(task("C"))


async def test_33_generalised_and_join(case: Case):
    """What comes early on one branch is kept, and each full set of branches enables C once."""
    await case.start(generalised_and_join)
    await case.complete("A", "A")
    assert await case.enabled() == ["B"]
    await case.complete("B")
    assert await case.enabled() == ["B", "C"]
    await case.complete("B", "C")
    assert await case.enabled() == ["C"]
    await case.complete("C")
    await case.result()
    assert case.done == ["A", "A", "B", "B", "C", "C"]
