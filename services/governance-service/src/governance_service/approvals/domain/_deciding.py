"""Deciding: who may say what, and when that settles it. Each function returns the approval as it is then."""

from dataclasses import replace
from datetime import datetime, timedelta

from ._approval import Approval, Choice, Claim, Status, Vote
from ._errors import AlreadyDecidedError, ApprovalClaimedError, ApprovalClosedError, NotACandidateError
from ._people import Actor


def decide(approval: Approval, actor: Actor, choice: Choice, comment: str | None, now: datetime) -> Approval:
    """Say yes or no. One no settles it; a yes settles it when enough different persons have said so.

    Saying the same again changes nothing, even when it is settled since.

    Args:
        approval: As it stands.
        actor: Who says it.
        choice: What is said.
        comment: Why; None for no reason.
        now: The present.

    Returns:
        The approval; the same object when nothing changes.

    Raises:
        AlreadyDecidedError: The person has said something else before.
        ApprovalClosedError: It is settled.
        NotACandidateError: The person may not decide.
        ApprovalClaimedError: Somebody else is at it.
    """
    said = approval.vote_of(actor.name)
    if said is not None and actor.tenant == approval.task.tenant:
        if said.choice is not choice:
            raise AlreadyDecidedError(actor.name, said.choice)
        return approval
    require_open(approval)
    require_candidate(approval, actor)
    _require_unclaimed(approval, actor, now)
    voted = replace(approval, votes=(*approval.votes, Vote(actor.name, choice, comment, now)), claim=None)
    if choice is Choice.REJECT:
        return replace(voted, status=Status.REJECTED, closed_at=now)
    if voted.missing <= 0:
        return replace(voted, status=Status.APPROVED, closed_at=now)
    return voted


def claim(approval: Approval, actor: Actor, lasts: timedelta, now: datetime) -> Approval:
    """Say that one is at it, so that others leave it alone for a while. Claiming again prolongs it.

    Args:
        approval: As it stands.
        actor: Who claims it.
        lasts: For how long.
        now: The present.

    Returns:
        The approval.

    Raises:
        ApprovalClosedError: It is settled.
        NotACandidateError: The person may not decide.
        ApprovalClaimedError: Somebody else is at it.
    """
    require_open(approval)
    require_candidate(approval, actor)
    _require_unclaimed(approval, actor, now)
    return replace(approval, claim=Claim(actor.name, now + lasts))


def release(approval: Approval, actor: Actor, now: datetime) -> Approval:
    """Give a claim back.

    Args:
        approval: As it stands.
        actor: Who gives it back: the one who has it, or an admin.
        now: The present.

    Returns:
        The approval; the same object when nobody has claimed it.

    Raises:
        ApprovalClosedError: It is settled.
        ApprovalClaimedError: Somebody else has it.
    """
    require_open(approval)
    holder = approval.claimed_by(now)
    if holder is None:
        return approval
    if holder != actor.name and not actor.is_admin:
        _require_unclaimed(approval, actor, now)
    return replace(approval, claim=None)


def require_open(approval: Approval) -> None:
    """Refuse what is settled.

    Args:
        approval: As it stands.

    Raises:
        ApprovalClosedError: It is settled.
    """
    if not approval.is_open:
        by = [approval.closed_by] if approval.closed_by else [vote.by for vote in approval.votes]
        raise ApprovalClosedError(approval.task.id, approval.status, by)


def require_candidate(approval: Approval, actor: Actor) -> None:
    """Refuse those who may not decide, and say why.

    Args:
        approval: As it stands.
        actor: The person.

    Raises:
        NotACandidateError: The person may not decide.
    """
    if approval.is_for(actor):
        return
    if actor.tenant != approval.task.tenant:
        whose = "the platform itself" if approval.task.tenant is None else approval.task.tenant
        raise NotACandidateError(actor.name, "candidate", f"is not of {whose}, whose people decide")
    if actor.name in approval.task.askers and approval.task.exclude_requester:
        raise NotACandidateError(actor.name, "not-the-requester", "asks for it, and may not decide it")
    if actor.name in approval.handed_on:
        raise NotACandidateError(actor.name, "handed-on", "has handed it on, and cannot take it back")
    if approval.vote_of(actor.name) is not None:
        raise NotACandidateError(actor.name, "different-persons", "has decided already")
    people = ", ".join([*sorted(approval.seats), *(f"the role {role}" for role in sorted(approval.candidates.roles))])
    raise NotACandidateError(actor.name, "candidate", f"is not among those who may decide: {people or 'nobody'}")


def _require_unclaimed(approval: Approval, actor: Actor, now: datetime) -> None:
    holder = approval.claimed_by(now)
    if holder is not None and holder != actor.name:
        assert approval.claim is not None
        raise ApprovalClaimedError(holder, approval.claim.until)
