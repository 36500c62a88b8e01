"""Approvals as callers see them, and what callers ask."""

from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from governance_service.approvals.domain import (
    MAX_COMMENT,
    MAX_TEXT,
    Approval,
    Candidates,
    Choice,
    Level,
    Status,
)
from governance_service.approvals.signals import Delivery

Name = str
"""A user, a service or a role."""


class CandidatesRequest(BaseModel):
    """Who may decide."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    users: list[Name] = Field(default_factory=list, max_length=100)
    """Persons, by the subject of their tokens."""
    roles: list[Name] = Field(default_factory=list, max_length=100)
    """Everybody who has one of these roles."""

    def value(self) -> Candidates:
        """Return what the domain takes."""
        return Candidates(frozenset(self.users), frozenset(self.roles))


class EscalationRequest(CandidatesRequest):
    """Who gets it when the time of those before is over."""

    due_in_s: float | None = Field(default=None, gt=0, le=315_360_000)
    """How long they have, in seconds. Default: as long as those before."""


class ApprovalRequest(BaseModel):
    """What is asked, of whom."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "title": "Use certifi 2026.1 (MPL-2.0)?",
                    "candidates": {"roles": ["approver"]},
                    "run_id": "review-17",
                    "signal": "approval",
                }
            ]
        },
    )

    id: str | None = None
    """Its id; the same request with the same id again is the same approval. Default: a new one."""
    title: str
    """One line that says what is asked."""
    description: str | None = Field(default=None, max_length=MAX_TEXT)
    """Whatever those who decide should read."""
    run_id: str | None = None
    """The run that waits for the outcome."""
    signal: str | None = None
    """The signal that it waits for."""
    candidates: CandidatesRequest | None = None
    """Who may decide. Default: everybody with the role approver."""
    four_eyes: int = 1
    """How many different persons have to approve."""
    exclude_requester: bool = False
    """Whether those who ask for it may not decide."""
    requested_by: Name | None = None
    """The person on whose behalf it is asked for."""
    due_in_s: float | None = Field(default=None, gt=0, le=315_360_000)
    """How long there is to decide, in seconds. Default: no limit."""
    due_at: AwareDatetime | None = None
    """The same as a moment."""
    escalate_to: list[EscalationRequest] | EscalationRequest | None = None
    """Who gets it at the due time: one, or one after the other."""
    on_expiry: Literal["expire", "approve", "reject"] = "expire"
    """What it becomes when nobody has decided in time."""
    context: dict[str, Any] = Field(default_factory=dict)
    """What those who decide should know, as JSON."""
    tenant: str | None = Field(default=None, max_length=256)
    """The tenant whose people decide; callers of a tenant need not say. Default: the caller's."""

    def levels(self, now: datetime) -> tuple[Level, ...]:
        """Return whom it goes to, one after the other.

        Args:
            now: The present.
        """
        first = Candidates(roles=frozenset({"approver"})) if self.candidates is None else self.candidates.value()
        lasts = None if self.due_in_s is None else timedelta(seconds=self.due_in_s)
        if self.due_at is not None:
            lasts = self.due_at - now
        levels = [Level(first, lasts)]
        following = self.escalate_to if isinstance(self.escalate_to, list) else [self.escalate_to]
        for each in following:
            if each is not None:
                lasts = lasts if each.due_in_s is None else timedelta(seconds=each.due_in_s)
                levels.append(Level(each.value(), lasts))
        return tuple(levels)


class DecideRequest(BaseModel):
    """What is decided."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    decision: Choice
    """`approve` or `reject`."""
    comment: str | None = Field(default=None, max_length=MAX_COMMENT)
    """Why."""


class DelegateRequest(BaseModel):
    """Who is to decide instead."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    to: Name
    """The person."""
    comment: str | None = Field(default=None, max_length=MAX_COMMENT)
    """Why."""


class CommentRequest(BaseModel):
    """What is to be said about it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    text: str = Field(min_length=1, max_length=MAX_COMMENT)
    """The comment."""


class CandidatesView(BaseModel):
    """Who may decide now: delegates among them, and without those who cannot any more."""

    users: list[str]
    roles: list[str]


class LevelView(CandidatesView):
    """Who gets it when, and how long they have."""

    lasts_s: float | None


class VoteView(BaseModel):
    """What a person said."""

    by: str
    decision: Choice
    comment: str | None
    at: datetime


class DelegationView(BaseModel):
    """A seat that was handed on."""

    by: str
    to: str
    comment: str | None
    at: datetime


class CommentView(BaseModel):
    """What somebody wrote."""

    by: str
    text: str
    at: datetime


class ClaimView(BaseModel):
    """Who is at it."""

    by: str
    until: datetime


class DeliveryView(BaseModel):
    """How far the outcome has come on its way to the run."""

    state: str
    attempts: int
    problem: str | None
    delivered_at: datetime | None


class ApprovalView(BaseModel):
    """An approval as it stands."""

    id: str
    tenant: str | None
    status: Status
    title: str
    description: str | None
    requester: str
    requested_by: str | None
    run_id: str | None
    signal: str | None
    candidates: CandidatesView
    levels: list[LevelView]
    level: int
    """Which of the levels has it, from 0."""
    four_eyes: int
    missing: int
    """How many persons still have to approve; 0 when it is settled."""
    exclude_requester: bool
    on_expiry: str
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    claim: ClaimView | None
    decisions: list[VoteView]
    delegations: list[DelegationView]
    comments: list[CommentView]
    context: dict[str, Any]
    delivery: DeliveryView | None = None
    """Shown with a single approval whose run is being told."""

    @classmethod
    def of(cls, approval: Approval, now: datetime, delivery: Delivery | None = None) -> Self:
        """Show an approval.

        Args:
            approval: The approval.
            now: The present.
            delivery: How far its outcome has come.

        Returns:
            What callers see of it.
        """
        task = approval.task
        claim = approval.claim if approval.claimed_by(now) else None
        expiry = {Status.EXPIRED: "expire", Status.APPROVED: "approve", Status.REJECTED: "reject"}[task.on_expiry]
        return cls(
            id=task.id,
            tenant=task.tenant,
            status=approval.status,
            title=task.title,
            description=task.description,
            requester=task.requester,
            requested_by=task.requested_by,
            run_id=task.run_id,
            signal=task.signal,
            candidates=CandidatesView(users=sorted(approval.seats), roles=sorted(approval.candidates.roles)),
            levels=[_level(level) for level in task.levels],
            level=approval.level,
            four_eyes=task.four_eyes,
            missing=max(0, approval.missing) if approval.is_open else 0,
            exclude_requester=task.exclude_requester,
            on_expiry=expiry,
            created_at=approval.created_at,
            due_at=approval.due_at,
            closed_at=approval.closed_at,
            closed_by=approval.closed_by,
            claim=None if claim is None else ClaimView(by=claim.by, until=claim.until),
            decisions=[
                VoteView(by=one.by, decision=one.choice, comment=one.comment, at=one.at) for one in approval.votes
            ],
            delegations=[
                DelegationView(by=one.giver, to=one.to, comment=one.comment, at=one.at) for one in approval.delegations
            ],
            comments=[CommentView(by=one.by, text=one.text, at=one.at) for one in approval.comments],
            context=dict(task.context),
            delivery=None
            if delivery is None
            else DeliveryView(
                state=delivery.state,
                attempts=delivery.attempts,
                problem=delivery.problem,
                delivered_at=delivery.delivered_at,
            ),
        )


def _level(level: Level) -> LevelView:
    return LevelView(
        users=sorted(level.candidates.users),
        roles=sorted(level.candidates.roles),
        lasts_s=None if level.lasts is None else level.lasts.total_seconds(),
    )
