"""Random walks through the life of an approval, beside plain statements of what must never happen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from governance_service.approvals.domain import (
    Actor,
    Approval,
    ApprovalError,
    Candidates,
    Choice,
    InvalidApprovalError,
    Level,
    Status,
    Task,
    ask,
    cancel,
    claim,
    decide,
    delegate,
    release,
    run_out,
)

NAMES = ["ada", "bo", "cy", "dee", "asker", "person"]
ROLE_HOLDERS = {"bo", "cy", "asker"}
people = st.sampled_from(NAMES)
candidates = st.builds(
    Candidates,
    users=st.frozensets(people, max_size=4),
    roles=st.sampled_from([frozenset(), frozenset({"legal"})]),
)
STEP = timedelta(minutes=10)


def actor(name: str) -> Actor:
    return Actor(name, frozenset({"legal"} if name in ROLE_HOLDERS else ()))


class ApprovalLife(RuleBasedStateMachine):
    approval: Approval | None = None

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.entitled: set[str] = set()
        """Who may vote by the plain reading: candidates and delegates of this level, less those who gave it away."""

    @initialize(
        levels=st.lists(candidates, min_size=1, max_size=3),
        eyes=st.integers(1, 3),
        exclude=st.booleans(),
        expiry=st.sampled_from([Status.EXPIRED, Status.APPROVED, Status.REJECTED]),
    )
    def begin(self, levels: list[Candidates], eyes: int, exclude: bool, expiry: Status) -> None:
        made = tuple(Level(one, timedelta(hours=1)) for one in levels)
        task = Task("a", None, "t", "asker", made, requested_by="person", four_eyes=eyes)
        try:
            self.approval = ask(replace(task, exclude_requester=exclude, on_expiry=expiry), self.now)
        except InvalidApprovalError:
            excluded = {"asker", "person"} if exclude else set()
            assert any(not one.roles and len(one.users - excluded) < eyes for one in levels)
            anybody = Candidates(frozenset(NAMES), frozenset({"legal"}))
            self.approval = ask(replace(task, levels=(Level(anybody, timedelta(hours=1)),)), self.now)
        self.level_begins()

    def level_begins(self) -> None:
        assert self.approval is not None
        named = self.approval.candidates
        self.entitled = set(named.users) | (ROLE_HOLDERS if named.roles else set())

    def attempt(self, change: Any) -> bool:
        """Apply a rule; tell whether it was allowed and changed something."""
        before = self.approval
        try:
            self.approval = change(before)
        except ApprovalError:
            assert self.approval is before
            return False
        return self.approval is not before

    @rule(name=people, choice=st.sampled_from(Choice))
    def vote(self, name: str, choice: Choice) -> None:
        before = self.approval
        assert before is not None
        claimed = before.claimed_by(self.now)
        asks = name in {"asker", "person"} and before.task.exclude_requester
        may = before.is_open and name in self.entitled and not asks and before.vote_of(name) is None
        changed = self.attempt(lambda one: decide(one, actor(name), choice, None, self.now))
        assert changed == (may and claimed in {None, name})

    @rule(name=people, to=people)
    def hand_on(self, name: str, to: str) -> None:
        if self.attempt(lambda one: delegate(one, actor(name), to, None, self.now)):
            assert name in self.entitled
            assert to not in {name, "asker", "person"}
            self.entitled.discard(name)
            self.entitled.add(to)

    @rule(name=people)
    def take(self, name: str) -> None:
        if self.attempt(lambda one: claim(one, actor(name), timedelta(minutes=15), self.now)):
            assert name in self.entitled

    @rule(name=people)
    def give_back(self, name: str) -> None:
        self.attempt(lambda one: release(one, actor(name), self.now))

    @rule(name=people)
    def take_back(self, name: str) -> None:
        if self.attempt(lambda one: cancel(one, actor(name), self.now)):
            assert name in {"asker", "person"}

    @rule(steps=st.integers(1, 7))
    def time_goes_by(self, steps: int) -> None:
        self.now += steps * STEP
        before = self.approval
        assert before is not None
        self.attempt(lambda one: run_out(one, self.now))
        if self.approval is not None and self.approval.level != before.level:
            self.level_begins()

    @invariant()
    def what_is_settled_was_settled_by_the_rules(self) -> None:
        approval = self.approval
        if approval is None:
            return
        choices = [vote.choice for vote in approval.votes]
        voters = [vote.by for vote in approval.votes]
        assert len(set(voters)) == len(voters)
        if approval.task.exclude_requester:
            assert not {"asker", "person"} & set(voters)
        enough = choices.count(Choice.APPROVE) >= approval.task.four_eyes
        timed_out = approval.due_at is not None and self.now >= approval.due_at
        match approval.status:
            case Status.OPEN:
                assert Choice.REJECT not in choices
                assert not enough
                assert approval.closed_at is None
            case Status.APPROVED:
                assert enough or (approval.task.on_expiry is Status.APPROVED and timed_out)
            case Status.REJECTED:
                assert Choice.REJECT in choices or (approval.task.on_expiry is Status.REJECTED and timed_out)
            case Status.EXPIRED:
                assert timed_out
            case Status.CANCELLED:
                assert approval.closed_by in {"asker", "person"}

    @invariant()
    def an_open_one_can_still_be_decided(self) -> None:
        approval = self.approval
        if approval is not None and approval.is_open and not approval.candidates.roles:
            assert sum(approval.is_for(actor(name)) for name in NAMES) >= approval.missing

    @invariant()
    def seats_go_round_in_no_circle(self) -> None:
        if self.approval is None:
            return
        given = {one.giver: one.to for one in self.approval.delegations}
        assert len(given) == len(self.approval.delegations)
        for start in given:
            at, steps = start, 0
            while at in given:
                at, steps = given[at], steps + 1
                assert steps <= len(given)


TestApprovalLife = ApprovalLife.TestCase
TestApprovalLife.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
