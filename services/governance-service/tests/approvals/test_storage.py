"""Approvals in the database: what both databases have to do alike."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from governance_service.approvals.domain import (
    Actor,
    ApprovalExistsError,
    Candidates,
    Choice,
    Filter,
    Inbox,
    Level,
    StaleApprovalError,
    Status,
    Task,
    claim,
)
from governance_service.approvals.signals import SignalQueue
from governance_service.approvals.storage import DatabaseApprovals
from governance_service.testing import FakeClock, NotedTeller
from maestro_core_db import Database

ADA, BO, CY = (Actor(name, frozenset({"approver"})) for name in ("ada", "bo", "cy"))
ROLES = Candidates(roles=frozenset({"approver"}))
TASK = Task("a", None, "May it?", "orchestrator", (Level(ROLES, timedelta(hours=1)),), run_id="run-1", signal="go")


class Kept:
    """Approvals in a database, with a clock that stands still."""

    def __init__(self, db: Database) -> None:
        self.clock = FakeClock()
        self.teller = NotedTeller(db)
        self.store = DatabaseApprovals(db, self.teller)
        self.queue = SignalQueue(db)
        self.inbox = Inbox(self.store, clock=self.clock, claim_lasts=timedelta(minutes=10))

    async def ids(self, actor: Actor) -> list[str]:
        found = await self.inbox.select(Filter(actor.tenant, for_actor=actor), after=None, limit=50)
        return [one.task.id for one in found]


@pytest.fixture
def kept(migrated: Database) -> Kept:
    return Kept(migrated)


async def test_what_is_kept_is_what_comes_back(kept: Kept) -> None:
    """Everything about an approval survives the way to the database and back, and nobody can use its id again."""
    levels = (Level(Candidates(frozenset({"ada", "bo"}), frozenset({"legal"})), timedelta(hours=1)), Level(ROLES))
    task = replace(TASK, levels=levels, four_eyes=2, exclude_requester=True, context={"a": [1, {"b": "\x00ü"}]})
    await kept.inbox.ask(task)
    await kept.inbox.delegate("a", BO, "cy", "away")
    await kept.inbox.comment("a", ADA, "why?\x00")
    await kept.inbox.claim("a", ADA)
    expected = await kept.inbox.decide("a", ADA, Choice.APPROVE, "fine")
    found = await kept.store.find("a", None)
    assert found == expected
    assert found is not None
    assert (found.task, found.version, found.seats) == (task, 4, {"cy"})
    with pytest.raises(ApprovalExistsError):
        await kept.store.add(replace(found, version=0), [])


async def test_who_read_an_older_version_changes_nothing(kept: Kept) -> None:
    """Of two who read the same version one is kept; of the other nothing is, and nothing is told."""
    await kept.inbox.ask(TASK)
    read = await kept.inbox.find("a", ADA)
    first = await kept.store.save(claim(read, ADA, timedelta(minutes=1), kept.clock()), [])
    with pytest.raises(StaleApprovalError):
        await kept.store.save(replace(read, status=Status.APPROVED), [])
    assert await kept.store.find("a", None) == first
    assert [told.action for told in kept.teller.told] == ["approval.requested"]
    assert await kept.queue.delivery("a", None) is None


async def test_decisions_at_once_are_settled_once(kept: Kept) -> None:
    """Ten persons decide at the same moment: two approvals settle it, the others are told, and one outcome is owed."""
    await kept.inbox.ask(replace(TASK, four_eyes=2))
    people = [Actor(f"p{number}", frozenset({"approver"})) for number in range(10)]
    answers = await asyncio.gather(
        *(kept.inbox.decide("a", person, Choice.APPROVE, None) for person in people), return_exceptions=True
    )
    settled = await kept.inbox.find("a", ADA)
    assert (settled.status, len(settled.votes)) == (Status.APPROVED, 2)
    assert {vote.by for vote in settled.votes} == {
        person.name for person, answer in zip(people, answers, strict=True) if not isinstance(answer, Exception)
    }
    told = [told.action for told in kept.teller.told]
    assert (told.count("approval.voted"), told.count("approval.decided")) == (2, 1)
    assert len(await kept.queue.take(kept.clock(), timedelta(minutes=1), 10)) == 1


async def test_everybody_finds_what_is_to_be_done(kept: Kept) -> None:
    """A person's list has what he or she may decide now: by name, by role, by delegation; and nothing else."""
    named = (Level(Candidates(frozenset({"ada"}))),)
    await kept.inbox.ask(replace(TASK, id="named", levels=named))
    await kept.inbox.ask(replace(TASK, id="role"))
    await kept.inbox.ask(replace(TASK, id="other", levels=(Level(Candidates(roles=frozenset({"legal"}))),)))
    await kept.inbox.ask(replace(TASK, id="own", requester="ada", exclude_requester=True))
    await kept.inbox.ask(replace(TASK, id="acme", tenant="acme"))
    root = Actor("root", frozenset({"admin"}))
    assert [sorted(await kept.ids(one)) for one in (ADA, BO, root)] == [
        ["named", "role"],
        ["own", "role"],
        ["other", "own", "role"],
    ]
    assert await kept.ids(replace(ADA, tenant="acme")) == ["acme"]
    await kept.inbox.delegate("named", ADA, "bo", None)
    await kept.inbox.decide("role", ADA, Choice.REJECT, None)
    await kept.inbox.decide("own", BO, Choice.APPROVE, None)
    assert [await kept.ids(one) for one in (ADA, BO)] == [[], ["named"]]


async def test_lists_go_page_by_page(kept: Kept) -> None:
    """The latest come first, each once, also those of the same moment; filters narrow them down."""
    for number in range(5):
        await kept.inbox.ask(replace(TASK, id=f"a{number}", run_id=f"run-{number % 2}"))
        if number % 2:
            kept.clock.advance(timedelta(seconds=1))
    await kept.inbox.decide("a0", ADA, Choice.APPROVE, None)
    everything = Filter(None)
    first = await kept.inbox.select(everything, after=None, limit=3)
    rest = await kept.inbox.select(everything, after=(first[-1].created_at, first[-1].task.id), limit=3)
    assert [one.task.id for one in [*first, *rest]] == ["a4", "a3", "a2", "a1", "a0"]
    approved = await kept.inbox.select(Filter(None, status=Status.APPROVED), after=None, limit=9)
    assert [one.task.id for one in approved] == ["a0"]
    of_run = await kept.inbox.select(Filter(None, run_id="run-1"), after=None, limit=9)
    assert [one.task.id for one in of_run] == ["a3", "a1"]
    assert await kept.inbox.select(Filter("acme"), after=None, limit=9) == []


async def test_what_is_due_runs_out_once_whoever_looks(kept: Kept) -> None:
    """Two who look at the same moment close a due approval once, and its run is owed one outcome."""
    await kept.inbox.ask(TASK)
    await kept.inbox.ask(replace(TASK, id="later", levels=(Level(ROLES, timedelta(hours=2)),)))
    kept.clock.advance(timedelta(hours=1))
    changed = await asyncio.gather(kept.inbox.run_out(), kept.inbox.run_out())
    assert sum(changed) == 1
    assert (await kept.inbox.find("a", ADA)).status is Status.EXPIRED
    (signal,) = await kept.queue.take(kept.clock(), timedelta(minutes=1), 10)
    assert signal.payload["decision"] == "expire"


async def test_an_outcome_is_owed_until_it_has_arrived(kept: Kept) -> None:
    """One at a time delivers it; who dies loses it after a while; what failed waits; what arrived is not owed any more."""
    await kept.inbox.ask(TASK)
    await kept.inbox.decide("a", ADA, Choice.APPROVE, None)
    minute = timedelta(minutes=1)
    (signal,) = await kept.queue.take(kept.clock(), minute, 10)
    assert (signal.run_id, signal.name, signal.attempt) == ("run-1", "go", 1)
    assert signal.payload == {"approval_id": "a", "decision": "approve", "by": ["ada"], "comments": []}
    assert await kept.queue.take(kept.clock(), minute, 10) == []
    kept.clock.advance(minute)
    (again,) = await kept.queue.take(kept.clock(), minute, 10)
    assert again.attempt == 2
    await kept.queue.failed(again, "away", kept.clock() + minute)
    assert await kept.queue.take(kept.clock(), minute, 10) == []
    delivery = await kept.queue.delivery("a", None)
    assert delivery is not None
    assert (delivery.state, delivery.attempts, delivery.problem) == ("pending", 2, "away")
    kept.clock.advance(minute)
    (third,) = await kept.queue.take(kept.clock(), minute, 10)
    await kept.queue.arrived(third, kept.clock())
    await kept.queue.failed(signal, "a late answer", kept.clock())
    kept.clock.advance(minute)
    assert await kept.queue.take(kept.clock(), minute, 10) == []
    delivery = await kept.queue.delivery("a", None)
    assert delivery is not None
    assert (delivery.state, delivery.problem, delivery.delivered_at) == ("delivered", None, kept.clock() - minute)
