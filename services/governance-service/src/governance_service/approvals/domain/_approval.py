"""An approval: a task for one or more persons, as it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ._people import Actor, Candidates, Level

JSON = Any
"""Any JSON value."""


class Status(StrEnum):
    """How an approval stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Choice(StrEnum):
    """What a person can say."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Vote:
    """What a person said."""

    by: str
    choice: Choice
    comment: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Delegation:
    """A seat that somebody handed on."""

    giver: str
    to: str
    comment: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote."""

    by: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody who is at it, so that others need not be."""

    by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked, of whom; it never changes."""

    id: str
    tenant: str | None
    title: str
    requester: str
    """Whose token asked for it."""
    levels: tuple[Level, ...]
    """Whom it goes to, one level after the other as time runs out; at least one."""
    description: str | None = None
    requested_by: str | None = None
    """The person on whose behalf the requester asks; None for the requester itself."""
    run_id: str | None = None
    """The run that waits for the outcome; None when none does."""
    signal: str | None = None
    """The signal that the run waits for."""
    four_eyes: int = 1
    """How many different persons have to approve."""
    exclude_requester: bool = False
    """Whether those who ask for it may not decide."""
    on_expiry: Status = Status.EXPIRED
    """What it becomes when the time of the last level is over: expired, approved or rejected."""
    context: Mapping[str, JSON] = field(default_factory=dict)
    """What those who decide should know."""

    @property
    def askers(self) -> frozenset[str]:
        """Those who ask for it."""
        return frozenset({self.requester, self.requested_by or self.requester})


@dataclass(frozen=True, slots=True)
class Approval:
    """A task and what has happened to it."""

    task: Task
    created_at: datetime
    due_at: datetime | None
    """When the present level's time is over; None for never."""
    level: int = 0
    """Which level has it, from 0."""
    status: Status = Status.OPEN
    votes: tuple[Vote, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    """Those of the present level."""
    comments: tuple[Comment, ...] = ()
    claim: Claim | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    """Who cancelled it; None when it was decided or ran out of time."""
    version: int = 0
    """Grows with each change."""

    @property
    def is_open(self) -> bool:
        """Whether it can still be decided."""
        return self.status is Status.OPEN

    @property
    def candidates(self) -> Candidates:
        """Those whom the present level was made for."""
        return self.task.levels[self.level].candidates

    @property
    def handed_on(self) -> frozenset[str]:
        """Those who gave their seat away."""
        return frozenset(delegation.giver for delegation in self.delegations)

    @property
    def barred(self) -> frozenset[str]:
        """Those who cannot decide, though they may be candidates: they have, gave their seat away, or ask for it themselves."""
        voted = frozenset(vote.by for vote in self.votes)
        return voted | self.handed_on | (self.task.askers if self.task.exclude_requester else frozenset())

    @property
    def seats(self) -> frozenset[str]:
        """The persons who may decide by name, delegates among them."""
        named = self.candidates.users | {delegation.to for delegation in self.delegations}
        return frozenset(named - self.barred)

    @property
    def missing(self) -> int:
        """How many persons still have to approve."""
        return self.task.four_eyes - sum(vote.choice is Choice.APPROVE for vote in self.votes)

    def is_for(self, actor: Actor) -> bool:
        """Tell whether somebody may decide.

        Args:
            actor: The person.
        """
        if actor.tenant != self.task.tenant or actor.name in self.barred:
            return False
        return actor.name in self.seats or self.candidates.include(actor)

    def vote_of(self, name: str) -> Vote | None:
        """Return what a person said, or None.

        Args:
            name: The person.
        """
        return next((vote for vote in self.votes if vote.by == name), None)

    def claimed_by(self, now: datetime) -> str | None:
        """Return who is at it, or None.

        Args:
            now: The present.
        """
        return self.claim.by if self.claim is not None and now < self.claim.until else None
