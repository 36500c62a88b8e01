"""What else can be done to an approval: delegate, comment, cancel, and let its time run out."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from ._approval import Approval, Comment, Delegation, Status
from ._deciding import require_candidate, require_open
from ._errors import InvalidApprovalError, InvalidDelegationError, NotACandidateError
from ._people import Actor

MAX_DELEGATIONS: Final = 10
MAX_COMMENTS: Final = 200
MAX_COMMENT: Final = 2_000


def delegate(approval: Approval, actor: Actor, to: str, comment: str | None, now: datetime) -> Approval:
    """Hand one's seat on. Whoever gets it may hand it on in turn; nobody gets back what he or she gave away.

    Args:
        approval: As it stands.
        actor: Who hands it on.
        to: Who gets it.
        comment: Why; None for no reason.
        now: The present.

    Returns:
        The approval; the same object when just this was done before.

    Raises:
        ApprovalClosedError: It is settled.
        NotACandidateError: The person has no seat to hand on.
        InvalidDelegationError: It cannot go to that person.
    """
    require_open(approval)
    if any((one.giver, one.to) == (actor.name, to) for one in approval.delegations):
        return approval
    require_candidate(approval, actor)
    if (why := _against(approval, actor, to)) is not None:
        raise InvalidDelegationError(to, why)
    handed = (*approval.delegations, Delegation(actor.name, to, comment, now))
    held = approval.claim is not None and approval.claim.by == actor.name
    given = replace(approval, delegations=handed, claim=None if held else approval.claim)
    if not given.candidates.roles and len(given.seats) < given.missing:
        raise InvalidDelegationError(
            to, f"{given.missing} different persons have to approve, and too few would be left"
        )
    return given


def comment(approval: Approval, actor: Actor, text: str, now: datetime) -> Approval:
    """Write a comment; what is settled can be commented on too.

    Args:
        approval: As it stands.
        actor: Who writes: those who ask for it, who may decide or have, and admins.
        text: The comment.
        now: The present.

    Returns:
        The approval.

    Raises:
        NotACandidateError: The person has nothing to do with it.
        InvalidApprovalError: The comment is too long, or there are too many.
    """
    if not (_is_asker(approval, actor) or _takes_part(approval, actor)):
        raise NotACandidateError(actor.name, "takes-part", "neither asks for it nor may decide it")
    if len(approval.comments) >= MAX_COMMENTS:
        raise InvalidApprovalError([("comment", f"has {MAX_COMMENTS} comments; there is no room for more")])
    return replace(approval, comments=(*approval.comments, Comment(actor.name, text, now)))


def cancel(approval: Approval, actor: Actor, now: datetime) -> Approval:
    """Take it back. Doing so twice changes nothing.

    Args:
        approval: As it stands.
        actor: Who takes it back: the one who asked for it, or an admin.
        now: The present.

    Returns:
        The approval; the same object when it is cancelled already.

    Raises:
        NotACandidateError: The person may not.
        ApprovalClosedError: It is settled.
    """
    if not _is_asker(approval, actor):
        raise NotACandidateError(
            actor.name, "requester-or-admin", "did not ask for it: that one and admins may cancel it"
        )
    if approval.status is Status.CANCELLED:
        return approval
    require_open(approval)
    return replace(approval, status=Status.CANCELLED, closed_at=now, closed_by=actor.name, claim=None)


def run_out(approval: Approval, now: datetime) -> Approval:
    """Let the time of the present level run out: the next one gets it, or, after the last, it closes.

    What was said stays said; seats that were handed on belong to the level that is over.

    Args:
        approval: As it stands.
        now: The present.

    Returns:
        The approval; the same object when nothing is due.
    """
    if not approval.is_open or approval.due_at is None or now < approval.due_at:
        return approval
    following = approval.level + 1
    if following == len(approval.task.levels):
        return replace(approval, status=approval.task.on_expiry, closed_at=now, claim=None)
    lasts = approval.task.levels[following].lasts
    due_at = None if lasts is None else now + lasts
    return replace(approval, level=following, due_at=due_at, delegations=(), claim=None)


def _against(approval: Approval, actor: Actor, to: str) -> str | None:
    if not 0 < len(to) <= 256 or not to.isprintable():
        return "it must be a printable name of at most 256 characters"
    if to == actor.name:
        return "one does not delegate to oneself"
    if to in approval.task.askers:
        return "that is who asks for it"
    if to in approval.handed_on:
        return "that would go round in a circle"
    if approval.vote_of(to) is not None:
        return "that person has decided already"
    if len(approval.delegations) >= MAX_DELEGATIONS:
        return f"it was handed on {MAX_DELEGATIONS} times already"
    return None


def _is_asker(approval: Approval, actor: Actor) -> bool:
    if actor.tenant != approval.task.tenant and not (actor.is_admin and actor.tenant is None):
        return False
    return actor.is_admin or actor.name in approval.task.askers


def _takes_part(approval: Approval, actor: Actor) -> bool:
    if actor.tenant != approval.task.tenant:
        return False
    took_part = approval.handed_on | {vote.by for vote in approval.votes}
    return (
        actor.name in took_part
        or any(level.candidates.include(actor) for level in approval.task.levels[: approval.level + 1])
        or approval.is_for(actor)
    )
