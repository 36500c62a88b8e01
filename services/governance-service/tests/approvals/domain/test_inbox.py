import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from governance_service.approvals.domain import (
    Action,
    Actor,
    Approval,
    ApprovalClosedError,
    ApprovalExistsError,
    ApprovalNotFoundError,
    Candidates,
    Choice,
    Happening,
    Inbox,
    Level,
    StaleApprovalError,
    Status,
    Task,
)
from governance_service.approvals.testing import MemoryApprovals
from governance_service.testing import FakeClock

ADA, BO = (Actor(name, frozenset({"approver"})) for name in ("ada", "bo"))
ROLES = Candidates(roles=frozenset({"approver"}))
TASK = Task("a", None, "May it?", "orchestrator", (Level(ROLES, timedelta(hours=1)),))


class Contended(MemoryApprovals):
    """Lets others come in between reading and writing."""

    async def find(self, approval_id: str, tenant: str | None, *, all_tenants: bool = False) -> Approval | None:
        found = await super().find(approval_id, tenant, all_tenants=all_tenants)
        await asyncio.sleep(0)
        return found


def inbox(store: MemoryApprovals, clock: FakeClock | None = None) -> Inbox:
    return Inbox(store, clock=clock or FakeClock(), claim_lasts=timedelta(minutes=10))


def actions(store: MemoryApprovals) -> list[Action]:
    return [happening.action for _, happening in store.told]


async def test_asking_again_is_the_same_approval() -> None:
    """The same id with the same content is the same approval; with other content it is refused."""
    approvals = inbox(MemoryApprovals())
    first, created = await approvals.ask(TASK)
    again, created_again = await approvals.ask(replace(TASK, levels=(Level(ROLES, timedelta(minutes=59)),)))
    assert (created, created_again, again) == (True, False, first)
    with pytest.raises(ApprovalExistsError):
        await approvals.ask(replace(TASK, title="Something else"))


async def test_two_who_ask_at_once_get_one_approval() -> None:
    """Of many that ask with one id at the same moment, one makes the approval and all get it."""
    approvals = inbox(Contended())
    answers = await asyncio.gather(*(approvals.ask(TASK) for _ in range(10)))
    assert sorted(created for _, created in answers) == [False] * 9 + [True]


async def test_of_two_who_decide_at_once_one_decides() -> None:
    """Yes and no at the same moment: one is taken, the other is told that it is settled, and one outcome is told."""
    store = Contended()
    approvals = inbox(store)
    await approvals.ask(TASK)
    answers = await asyncio.gather(
        approvals.decide("a", ADA, Choice.APPROVE, None),
        approvals.decide("a", BO, Choice.REJECT, None),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, ApprovalClosedError) for answer in answers) == 1
    assert actions(store) == [Action.REQUESTED, Action.VOTED, Action.DECIDED]


async def test_eyes_that_look_at_once_all_count() -> None:
    """Five persons who approve at the same moment are five votes."""
    store = Contended()
    approvals = inbox(store)
    await approvals.ask(replace(TASK, four_eyes=5))
    people = [Actor(f"p{number}", frozenset({"approver"})) for number in range(5)]
    await asyncio.gather(*(approvals.decide("a", person, Choice.APPROVE, None) for person in people))
    assert store.kept[None, "a"].status is Status.APPROVED
    assert actions(store).count(Action.DECIDED) == 1


async def test_who_is_always_slower_gives_up() -> None:
    """Somebody who never gets in between others is told to try again."""

    class Busy(MemoryApprovals):
        async def save(self, approval: Approval, happenings: Sequence[Happening]) -> Approval:
            raise StaleApprovalError(approval.task.id)

    approvals = inbox(Busy())
    await approvals.ask(TASK)
    with pytest.raises(StaleApprovalError):
        await approvals.decide("a", ADA, Choice.APPROVE, None)


async def test_nothing_slips_in_after_the_due_time() -> None:
    """A decision after the due time is refused, though nobody has got round to closing it; then it is closed, once."""
    clock, store = FakeClock(), MemoryApprovals()
    approvals = inbox(store, clock)
    await approvals.ask(TASK)
    clock.advance(timedelta(hours=1))
    with pytest.raises(ApprovalClosedError, match="expired"):
        await approvals.decide("a", ADA, Choice.APPROVE, None)
    assert (await approvals.run_out(), await approvals.run_out()) == (1, 0)
    assert actions(store) == [Action.REQUESTED, Action.DECIDED]


async def test_an_approval_that_cannot_be_kept_holds_up_no_other() -> None:
    """Time runs out for all that are due, though one cannot be kept; that one is told of at the end."""
    clock = FakeClock()

    class Odd(MemoryApprovals):
        async def save(self, approval: Approval, happenings: Sequence[Happening]) -> Approval:
            if approval.task.id == "a":
                raise RuntimeError("nobody foresaw this")
            return await super().save(approval, happenings)

    approvals = inbox(Odd(), clock)
    for name in ("a", "b", "c"):
        await approvals.ask(replace(TASK, id=name))
    clock.advance(timedelta(hours=1))
    with pytest.raises(ExceptionGroup, match="could not be kept"):
        await approvals.run_out()
    viewer = Actor("x", frozenset({"admin"}))
    assert [(await approvals.find(name, viewer)).status for name in ("b", "c")] == [Status.EXPIRED] * 2


async def test_a_late_decision_of_the_next_level_is_taken() -> None:
    """Someone of the next level may decide from the due time on, and the escalation is told before the vote."""
    clock, store = FakeClock(), MemoryApprovals()
    approvals = inbox(store, clock)
    levels = (Level(Candidates(frozenset({"ada"})), timedelta(hours=1)), Level(Candidates(frozenset({"bo"}))))
    await approvals.ask(replace(TASK, levels=levels))
    clock.advance(timedelta(hours=1))
    assert (await approvals.decide("a", BO, Choice.APPROVE, None)).status is Status.APPROVED
    assert actions(store) == [Action.REQUESTED, Action.ESCALATED, Action.VOTED, Action.DECIDED]


async def test_tenants_do_not_see_each_other() -> None:
    """What is another tenant's is not there, for admins of a tenant too; the platform's admins see everything."""
    approvals = inbox(MemoryApprovals())
    await approvals.ask(replace(TASK, tenant="acme"))
    admin = frozenset({"admin"})
    for stranger in (Actor("x", admin, "globex"), Actor("x", frozenset({"approver"}))):
        with pytest.raises(ApprovalNotFoundError):
            await approvals.find("a", stranger)
        with pytest.raises(ApprovalNotFoundError):
            await approvals.decide("a", stranger, Choice.APPROVE, None)
    assert (await approvals.find("a", Actor("x", admin))).task.tenant == "acme"
    assert await approvals.ask(TASK)
