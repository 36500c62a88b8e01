import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from governance_service.approvals.domain import Actor, Candidates, Choice, Inbox, Level, Task
from governance_service.approvals.housekeeping import Housekeeper, pause_s
from governance_service.approvals.orchestrator import NobodyWaitsError, NotDeliveredError
from governance_service.approvals.signals import Signal, SignalQueue
from governance_service.approvals.storage import DatabaseApprovals
from governance_service.clock import system_clock
from governance_service.testing import FakeClock, NotedTeller
from maestro_core_db import Database, Migrations
from maestro_core_db.testing import TemporaryDatabase
from maestro_core_monitoring import MetricsCollector

ADA = Actor("ada", frozenset({"approver"}))
ROLES = Candidates(roles=frozenset({"approver"}))
TASK = Task("a", None, "May it?", "orchestrator", (Level(ROLES, timedelta(hours=1)),), run_id="run-1", signal="go")


class Runs:
    """An orchestrator that answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[Signal] = []
        self.answers: list[Exception] = []

    async def send(self, signal: Signal) -> None:
        self.got.append(signal)
        if self.answers:
            raise self.answers.pop(0)


@pytest.fixture
async def db(sqlite_database: TemporaryDatabase) -> AsyncIterator[Database]:
    async with Database.opened(sqlite_database.url) as opened:
        await Migrations("governance_service.migrations").upgrade(opened)
        yield opened


class House:
    def __init__(self, db: Database, *, standing: bool = True) -> None:
        self.clock = FakeClock()
        self.runs = Runs()
        self.queue = SignalQueue(db)
        clock = self.clock if standing else system_clock
        self.inbox = Inbox(DatabaseApprovals(db, NotedTeller(db)), clock=clock, claim_lasts=timedelta(minutes=10))
        self.keeper = Housekeeper(
            self.inbox,
            self.queue,
            self.runs,
            clock=clock,
            interval=timedelta(seconds=30),
            metrics=MetricsCollector("test"),
        )


async def test_what_fails_is_tried_again_later_and_later(db: Database) -> None:
    """An orchestrator that is away is asked again after a pause, until the outcome has arrived."""
    house = House(db)
    await house.inbox.ask(TASK)
    await house.inbox.decide("a", ADA, Choice.APPROVE, None)
    house.runs.answers = [NotDeliveredError("503 SERVICE_UNREACHABLE")] * 2
    await house.keeper.deliver()
    await house.keeper.deliver()
    assert len(house.runs.got) == 1
    for _ in range(2):
        house.clock.advance(timedelta(seconds=1))
        await house.keeper.deliver()
    assert [signal.attempt for signal in house.runs.got] == [1, 2, 3]
    delivery = await house.queue.delivery("a", None)
    assert delivery is not None
    assert delivery.state == "delivered"


async def test_a_run_that_is_gone_is_given_up(db: Database) -> None:
    """When nobody waits any more the outcome is kept with the reason, and not tried again."""
    house = House(db)
    await house.inbox.ask(TASK)
    await house.inbox.decide("a", ADA, Choice.APPROVE, None)
    house.runs.answers = [NobodyWaitsError("WORKFLOW_ENDED")]
    await house.keeper.deliver()
    house.clock.advance(timedelta(days=1))
    await house.keeper.deliver()
    assert len(house.runs.got) == 1
    delivery = await house.queue.delivery("a", None)
    assert delivery is not None
    assert (delivery.state, delivery.problem) == ("undeliverable", "WORKFLOW_ENDED")


async def test_one_outcome_that_nobody_foresaw_holds_up_no_other(db: Database) -> None:
    """All others are delivered in the same go, those behind it included; it is tried again when its lease is over."""
    house = House(db)
    for number in range(25):
        await house.inbox.ask(replace(TASK, id=f"a{number}"))
        await house.inbox.decide(f"a{number}", ADA, Choice.APPROVE, None)
    house.runs.answers = [RuntimeError("nobody foresaw this")]
    await house.keeper.deliver()
    assert len({signal.approval_id for signal in house.runs.got}) == 25
    house.clock.advance(timedelta(minutes=2))
    await house.keeper.deliver()
    states = [await house.queue.delivery(f"a{number}", None) for number in range(25)]
    assert {state.state for state in states if state is not None} == {"delivered"}
    assert len(house.runs.got) == 26


async def test_nobody_looks_again_and_again_while_an_outcome_is_on_its_way(db: Database) -> None:
    """A run that answers late keeps its delivery waiting, and nothing busy: due approvals are looked for once, not without a pause."""
    house = House(db)
    sending, going_on = asyncio.Event(), asyncio.Event()

    async def send(_: Signal) -> None:
        sending.set()
        await going_on.wait()

    looked = 0
    run_out = house.inbox.run_out

    async def counted() -> int:
        nonlocal looked
        looked += 1
        return await run_out()

    house.runs.send = send  # type: ignore[method-assign]
    house.inbox.run_out = counted  # type: ignore[assignment]
    await house.inbox.ask(TASK)
    await house.inbox.decide("a", ADA, Choice.APPROVE, None)
    async with asyncio.timeout(30), house.keeper.at_work():
        await sending.wait()
        house.keeper.note_settled()
        for _ in range(50):
            await house.queue.delivery("a", None)
        going_on.set()
    assert looked <= 3


async def test_approvals_of_no_run_are_told_to_nobody(db: Database) -> None:
    """An approval that no run waits for owes no outcome."""
    house = House(db)
    await house.inbox.ask(replace(TASK, run_id=None, signal=None))
    await house.inbox.decide("a", ADA, Choice.APPROVE, None)
    await house.keeper.deliver()
    assert house.runs.got == []
    assert await house.queue.delivery("a", None) is None


async def test_time_runs_out_and_runs_are_told_without_anybody_asking(db: Database) -> None:
    """While it is at work, a decision is told at once and a due approval closes; a failure in between stops nothing."""
    house = House(db, standing=False)
    house.runs.answers = [RuntimeError("nobody foresaw this")]
    async with asyncio.timeout(30), house.keeper.at_work():
        for number in range(2):
            await house.inbox.ask(replace(TASK, id=f"a{number}"))
            await house.inbox.decide(f"a{number}", ADA, Choice.APPROVE, None)
            house.keeper.note_settled()
            while len(house.runs.got) <= number:
                await asyncio.sleep(0.01)
        due = (Level(ROLES, timedelta(microseconds=1)),)
        await house.inbox.ask(replace(TASK, id="due", levels=due))
        house.keeper.note_settled()
        while "due" not in [signal.approval_id for signal in house.runs.got]:
            house.keeper.note_settled()
            await asyncio.sleep(0.01)


def test_pauses_double_up_to_five_minutes_and_are_spread() -> None:
    """The pause grows from half a second to five minutes; luck takes up to half of it off."""
    assert [pause_s(attempt, 1.0) for attempt in (1, 2, 3, 11, 500)] == [0.5, 1.0, 2.0, 300.0, 300.0]
    assert pause_s(3, 0.0) == 1.0
