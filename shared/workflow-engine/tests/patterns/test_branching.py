"""Advanced branching and synchronisation patterns that split and merge: 6, 7, 8, 37, 41, 42."""

from __future__ import annotations

import asyncio

import pytest
from pattern_driving import Case, task

from maestro_workflow_engine import workflow

SERVICES = ("ambulance", "fire", "police")


@workflow
async def emergency(needed: list[str]) -> None:
    await asyncio.gather(*(task(service) for service in SERVICES if service in needed))
    await task("report")


@pytest.mark.parametrize("needed", [["police"], ["ambulance", "fire"], ["ambulance", "fire", "police"]])
async def test_06_multi_choice(case: Case, needed: list[str]):
    """One, several or all branches are enabled, each by a condition of its own."""
    await case.start(emergency, needed)
    assert await case.enabled() == needed


@pytest.mark.parametrize("needed", [["police"], ["ambulance", "police"], ["ambulance", "fire", "police"]])
async def test_07_structured_synchronizing_merge(case: Case, needed: list[str]):
    """The merge waits for the branches that were chosen, however many, and for no other."""
    await case.start(emergency, needed)
    for service in needed:
        assert "report" not in await case.enabled()
        await case.complete(service)
    assert await case.enabled() == ["report"]
    await case.complete("report")
    await case.result()
    assert case.done == [*needed, "report"]


@workflow
async def multi_merge() -> None:
    async def branch(name: str) -> None:
        await task(name)
        await behind_the_merge()

    async def behind_the_merge() -> None:
        await task("C")

    await asyncio.gather(branch("A"), branch("B"))


async def test_08_multi_merge(case: Case):
    """Each branch that arrives runs what follows by itself, also while another is in it."""
    await case.start(multi_merge)
    await case.complete("A")
    assert await case.enabled() == ["B", "C"]
    await case.complete("B")
    assert await case.enabled() == ["C"]
    await case.complete("C")
    assert await case.enabled() == ["C"]
    await case.complete("C")
    await case.result()
    assert case.done == ["A", "B", "C", "C"]


@workflow
async def acyclic_synchronizing_merge(taken: list[str]) -> None:
    async def joined(name: str, *incoming: str) -> None:
        active = [branches[before] for before in incoming if before in branches]
        if active:
            await asyncio.gather(*active)
            await task(name)

    branches = {name: asyncio.create_task(task(name)) for name in ("A", "B", "C") if name in taken}
    # B leads to both joins: the splits and joins of this process do not pair.
    await asyncio.gather(joined("after A and B", "A", "B"), joined("after B and C", "B", "C"))


@pytest.mark.parametrize("first", ["A", "B"])
async def test_37_acyclic_synchronizing_merge(case: Case, first: str):
    """Each join waits for those of its branches that are active, though joins and splits do not pair."""
    await case.start(acyclic_synchronizing_merge, ["A", "B"])
    assert await case.enabled() == ["A", "B"]
    await case.complete(first)
    assert await case.enabled() == {"A": ["B"], "B": ["A", "after B and C"]}[first]
    await case.complete("A" if first == "B" else "B")
    assert await case.enabled() == ["after A and B", "after B and C"]
    await case.complete("after A and B", "after B and C")
    await case.result()
    assert sorted(case.done) == ["A", "B", "after A and B", "after B and C"]


async def test_37_a_join_none_of_whose_branches_is_active_does_not_fire(case: Case):
    """What stands behind a join that nothing leads to in this run is not enabled; the other join waits for its one branch."""
    await case.start(acyclic_synchronizing_merge, ["C"])
    assert await case.enabled() == ["C"]
    await case.complete("C")
    assert await case.enabled() == ["after B and C"]
    await case.complete("after B and C")
    await case.result()


@workflow
async def thread_merge() -> None:
    arrived: asyncio.Queue[str] = asyncio.Queue()

    async def thread(number: int) -> None:
        arrived.put_nowait(await task(f"inspect-{number}"))

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(thread(number))
        for _ in range(2):
            for _ in range(2):
                await arrived.get()
            group.create_task(task("certify"))


async def test_41_thread_merge(case: Case):
    """Every two of four threads of one branch, in whatever order they come, go on as one."""
    await case.start(thread_merge)
    await case.complete("inspect-2")
    assert "certify" not in await case.enabled()
    await case.complete("inspect-0", "certify")
    assert await case.enabled() == ["inspect-1", "inspect-3"]
    await case.complete("inspect-3", "inspect-1", "certify")
    await case.result()
    assert case.done.count("certify") == 2


@workflow
async def thread_split(threads: int) -> None:
    await task("A")
    async with asyncio.TaskGroup() as group:
        for _ in range(threads):
            group.create_task(task("B"))


async def test_42_thread_split(case: Case):
    """One thread becomes three, which all take the same way on."""
    await case.start(thread_split, 3)
    await case.complete("A")
    for _ in range(3):
        assert await case.enabled() == ["B"]
        await case.complete("B")
    await case.result()
    assert case.done == ["A", "B", "B", "B"]
