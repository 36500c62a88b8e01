"""State-based patterns: 16 to 18, 39 and 40."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from pattern_driving import Case, task

from maestro_workflow_engine import receive, workflow

DAY_S = 86_400


@workflow
async def deferred_choice() -> str:
    offers = {
        asyncio.create_task(receive("customer withdraws")): "refund",
        asyncio.create_task(receive("agent takes over")): "handle",
        asyncio.create_task(asyncio.sleep(2 * DAY_S)): "escalate",
    }
    (chosen, *_), others = await asyncio.wait(offers, return_when=asyncio.FIRST_COMPLETED)
    for offer in others:
        offer.cancel()
    return await task(offers[chosen])


@pytest.mark.parametrize(
    ("event", "branch"), [("customer withdraws", "refund"), ("agent takes over", "handle"), (None, "escalate")]
)
async def test_16_deferred_choice(case: Case, event: str | None, branch: str):
    """Every branch is on offer until the first event of the environment, or the time, takes one; the rest is withdrawn."""
    await case.start(deferred_choice)
    assert await case.enabled() == ["agent takes over", "customer withdraws"]
    if event is None:
        await case.sleep(timedelta(days=2))
    else:
        await case.complete(event)
    assert await case.enabled() == [branch]
    await case.sleep(timedelta(days=3))
    await case.complete(branch)
    assert await case.result() == branch


@workflow
async def interleaved_parallel_routing() -> None:
    one_at_a_time = asyncio.Lock()

    async def in_order(*names: str) -> None:
        for name in names:
            await receive(f"begin {name}")
            async with one_at_a_time:
                await task(name)

    await asyncio.gather(in_order("pick", "pack"), in_order("invoice"))
    await task("dispatch")


@pytest.mark.parametrize(
    "order", [("pick", "pack", "invoice"), ("pick", "invoice", "pack"), ("invoice", "pick", "pack")]
)
async def test_17_interleaved_parallel_routing(case: Case, order: tuple[str, ...]):
    """Every order that keeps pick before pack is possible, chosen as the process runs."""
    await case.start(interleaved_parallel_routing)
    assert await case.enabled() == ["begin invoice", "begin pick"]
    for name in order:
        await case.complete(f"begin {name}", name)
    assert await case.enabled() == ["dispatch"]
    assert case.done == list(order)


async def test_17_no_two_tasks_are_active_at_once(case: Case):
    """A task that is begun while another is active waits until that one has ended."""
    await case.start(interleaved_parallel_routing)
    await case.complete("begin pick", "begin invoice")
    assert await case.enabled() == ["pick"]
    await case.complete("pick")
    assert await case.enabled() == ["begin pack", "invoice"]


@workflow
async def milestone() -> str:
    reached, passed = asyncio.Event(), asyncio.Event()

    async def enrolment() -> None:
        await task("open enrolment")
        reached.set()
        await task("close enrolment")
        passed.set()

    async def enrol() -> str:
        await task("apply")
        await reached.wait()
        if passed.is_set():
            return "too late"
        enrolled, closed = asyncio.create_task(task("enrol")), asyncio.create_task(passed.wait())
        await asyncio.wait({enrolled, closed}, return_when=asyncio.FIRST_COMPLETED)
        closed.cancel()
        return "enrolled" if enrolled.done() else "withdrawn" if enrolled.cancel() else "never"

    outcome, _ = await asyncio.gather(enrol(), enrolment())
    return outcome


async def test_18_milestone(case: Case):
    """The task is enabled while the other branch stands at the milestone, and does not move that branch."""
    await case.start(milestone)
    await case.complete("apply")
    assert await case.enabled() == ["open enrolment"]
    await case.complete("open enrolment")
    assert await case.enabled() == ["close enrolment", "enrol"]
    await case.complete("enrol")
    assert await case.enabled() == ["close enrolment"]
    await case.complete("close enrolment")
    assert await case.result() == "enrolled"


async def test_18_a_milestone_that_has_passed(case: Case):
    """Once the other branch is beyond the milestone, the task is withdrawn, or never enabled."""
    await case.start(milestone)
    await case.complete("apply", "open enrolment", "close enrolment")
    assert await case.result() == "withdrawn"
    assert "enrol" not in case.done


async def test_18_a_milestone_that_passed_before(case: Case):
    """A branch that comes after the milestone has passed does not wait for it."""
    await case.start(milestone)
    await case.complete("open enrolment", "close enrolment", "apply")
    assert await case.result() == "too late"


@workflow
async def critical_section() -> None:
    deposit = asyncio.Lock()

    async def branch(name: str) -> None:
        await task(f"prepare {name}")
        async with deposit:
            await task(f"pay {name}")
            await task(f"book {name}")
        await task(f"close {name}")

    await asyncio.gather(branch("A"), branch("B"))


async def test_39_critical_section(case: Case):
    """Of two parts of the process that several tasks belong to, only one is active; the rest of the branches runs freely."""
    await case.start(critical_section)
    await case.complete("prepare B", "prepare A")
    assert await case.enabled() == ["pay B"]
    await case.complete("pay B")
    assert await case.enabled() == ["book B"]
    await case.complete("book B")
    assert await case.enabled() == ["close B", "pay A"]
    await case.complete("pay A", "book A", "close A", "close B")
    await case.result()


@workflow
async def interleaved_routing() -> None:
    one_at_a_time = asyncio.Lock()

    async def once(name: str) -> None:
        await receive(f"begin {name}")
        async with one_at_a_time:
            await task(name)

    await asyncio.gather(*(once(name) for name in ("check oil", "test feeder", "review warranty")))
    await task("sign")


@pytest.mark.parametrize(
    "order", [("check oil", "test feeder", "review warranty"), ("review warranty", "check oil", "test feeder")]
)
async def test_40_interleaved_routing(case: Case, order: tuple[str, ...]):
    """Each task is done once, in an order that is chosen as the process runs, one at a time."""
    await case.start(interleaved_routing)
    await case.complete(f"begin {order[0]}", f"begin {order[1]}")
    assert order[0] in await case.enabled()
    assert order[1] not in await case.enabled()
    await case.complete(order[0], order[1], f"begin {order[2]}", order[2])
    assert await case.enabled() == ["sign"]
    assert case.done == list(order)
