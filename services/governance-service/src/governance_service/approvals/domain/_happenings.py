"""What happens to an approval, for those who are to know: the audit trail, events, and the run that waits."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ._approval import Approval, Status

JSON = Any
"""Any JSON value."""


class Action(StrEnum):
    """Kinds of happenings."""

    REQUESTED = "requested"
    CLAIMED = "claimed"
    RELEASED = "released"
    VOTED = "voted"
    DELEGATED = "delegated"
    COMMENTED = "commented"
    ESCALATED = "escalated"
    DECIDED = "decided"
    """It is settled: approved, rejected, expired or cancelled."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened."""

    action: Action
    by: str
    """Who did it; the service itself when time ran out."""
    details: dict[str, JSON] = field(default_factory=dict)


_SAID = {
    Status.APPROVED: "approve",
    Status.REJECTED: "reject",
    Status.EXPIRED: "expire",
    Status.CANCELLED: "cancel",
}


def outcome_of(approval: Approval) -> dict[str, JSON]:
    """Say how an approval ended, as the run that waits is told.

    Args:
        approval: One that is settled.

    Returns:
        `{approval_id, decision, by, comments}`: decision is `approve`, `reject`, `expire` or `cancel`; `by` names the persons who
        decided, and nobody when time did.
    """
    by = [vote.by for vote in approval.votes] if approval.closed_by is None else [approval.closed_by]
    comments = [{"by": vote.by, "text": vote.comment} for vote in approval.votes if vote.comment]
    comments += [{"by": comment.by, "text": comment.text} for comment in approval.comments]
    return {"approval_id": approval.task.id, "decision": _SAID[approval.status], "by": by, "comments": comments}
