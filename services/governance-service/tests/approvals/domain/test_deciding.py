from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from governance_service.approvals.domain import (
    Actor,
    AlreadyDecidedError,
    Approval,
    ApprovalClaimedError,
    ApprovalClosedError,
    Candidates,
    Choice,
    InvalidApprovalError,
    InvalidDelegationError,
    Level,
    NotACandidateError,
    Status,
    Task,
    ask,
    cancel,
    claim,
    comment,
    decide,
    delegate,
    outcome_of,
    release,
    run_out,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
HOUR = timedelta(hours=1)
ADA, BO, CY = (Actor(name, frozenset({"approver"})) for name in ("ada", "bo", "cy"))
ROOT = Actor("root", frozenset({"admin"}))
ROLES = Candidates(roles=frozenset({"approver"}))


def asked(candidates: Candidates = ROLES, *, lasts: timedelta | None = None, **task: object) -> Approval:
    wanted = Task("a", None, "May it?", "orchestrator", (Level(candidates, lasts),))
    return ask(replace(wanted, **task), NOW)  # type: ignore[arg-type]


def yes(approval: Approval, actor: Actor, comment: str | None = None) -> Approval:
    return decide(approval, actor, Choice.APPROVE, comment, LATER)


def no(approval: Approval, actor: Actor, comment: str | None = None) -> Approval:
    return decide(approval, actor, Choice.REJECT, comment, LATER)


def test_one_yes_settles_it() -> None:
    """Where one person is enough, a yes closes it, and the outcome names who and why."""
    approval = yes(asked(), ADA, "fine")
    assert (approval.status, approval.closed_at) == (Status.APPROVED, LATER)
    comments = [{"by": "ada", "text": "fine"}]
    assert outcome_of(approval) == {"approval_id": "a", "decision": "approve", "by": ["ada"], "comments": comments}


def test_one_no_settles_it_however_many_yeses_there_are() -> None:
    """A single no closes it."""
    approval = no(yes(asked(four_eyes=2), ADA), BO)
    assert approval.status is Status.REJECTED
    assert outcome_of(approval)["by"] == ["ada", "bo"]


def test_four_eyes_are_those_of_different_persons() -> None:
    """The same person saying yes twice stays one person, and another one settles it."""
    once = yes(asked(four_eyes=2), ADA)
    assert yes(once, ADA) is once
    assert once.status is Status.OPEN
    assert yes(once, BO).status is Status.APPROVED


def test_saying_the_same_again_changes_nothing_and_something_else_is_refused() -> None:
    """A repeated decision is the same one, even when it is settled; a changed mind is an error."""
    approved = yes(asked(), ADA)
    assert yes(approved, ADA) is approved
    with pytest.raises(AlreadyDecidedError):
        no(approved, ADA)
    with pytest.raises(ApprovalClosedError, match="approved by ada"):
        yes(approved, BO)


def test_who_is_no_candidate_may_not_decide() -> None:
    """Persons and roles are what counts; an admin has every role, but is not every person."""
    named = asked(Candidates(users=frozenset({"ada"})))
    for stranger in (BO, ROOT, Actor("ada", ADA.roles, tenant="acme")):
        with pytest.raises(NotACandidateError) as caught:
            yes(named, stranger)
        assert caught.value.rule == "candidate"
    assert yes(asked(), ROOT).status is Status.APPROVED
    assert yes(named, Actor("ada")).status is Status.APPROVED


@pytest.mark.parametrize("name", ["orchestrator", "mallory"])
def test_those_who_ask_may_not_decide_where_that_is_excluded(name: str) -> None:
    """Neither the caller that asked nor the person it asked for may decide."""
    approval = asked(requested_by="mallory", exclude_requester=True)
    with pytest.raises(NotACandidateError) as caught:
        yes(approval, Actor(name, frozenset({"approver", "admin"})))
    assert caught.value.rule == "not-the-requester"


def test_a_claim_keeps_others_away_for_a_while() -> None:
    """While it is claimed others can neither decide nor claim it; the claim ends by time, release or decision."""
    claimed = claim(asked(four_eyes=2), ADA, HOUR, NOW)
    for attempt in (yes, no, lambda approval, actor: claim(approval, actor, HOUR, LATER)):
        with pytest.raises(ApprovalClaimedError, match="ada has claimed it"):
            attempt(claimed, BO)
    with pytest.raises(ApprovalClaimedError):
        release(claimed, BO, LATER)
    assert yes(release(claimed, ADA, LATER), BO).votes
    assert yes(release(claimed, ROOT, LATER), BO).votes
    assert decide(claimed, BO, Choice.APPROVE, None, NOW + HOUR).votes
    assert yes(yes(claimed, ADA), BO).status is Status.APPROVED
    again = claim(claimed, ADA, HOUR, LATER)
    assert again.claim is not None
    assert again.claim.until == LATER + HOUR
    unclaimed = asked()
    assert release(unclaimed, BO, LATER) is unclaimed


def test_a_seat_is_handed_on_and_not_kept() -> None:
    """Whoever gets a seat may decide or hand it on; whoever gave it may not decide any more."""
    chain = delegate(delegate(asked(Candidates(frozenset({"ada"}))), ADA, "bo", "away", NOW), BO, "cy", None, NOW)
    assert chain.seats == {"cy"}
    for giver in (ADA, BO):
        with pytest.raises(NotACandidateError) as caught:
            yes(chain, giver)
        assert caught.value.rule == "handed-on"
    assert yes(chain, CY).status is Status.APPROVED
    assert delegate(chain, ADA, "bo", None, NOW) is chain


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("bo", "oneself"),
        ("ada", "circle"),
        ("orchestrator", "asks for it"),
        ("mallory", "asks for it"),
        ("a\n", "name"),
    ],
)
def test_a_seat_cannot_go_everywhere(to: str, why: str) -> None:
    """Not to oneself, not round in a circle, not to those who ask, not to what is no name."""
    approval = delegate(asked(Candidates(frozenset({"ada"})), requested_by="mallory"), ADA, "bo", None, NOW)
    with pytest.raises(InvalidDelegationError, match=why):
        delegate(approval, BO, to, None, NOW)


def test_a_seat_cannot_go_to_who_has_decided_nor_leave_too_few() -> None:
    """Two seats in one hand would make two persons out of one."""
    pair = asked(Candidates(frozenset({"ada", "bo"})), four_eyes=2)
    with pytest.raises(InvalidDelegationError, match="too few"):
        delegate(pair, ADA, "bo", None, NOW)
    with pytest.raises(InvalidDelegationError, match="decided already"):
        delegate(yes(pair, BO), ADA, "bo", None, NOW)
    with pytest.raises(NotACandidateError):
        delegate(yes(pair, BO), BO, "cy", None, NOW)


def test_a_chain_of_delegations_ends() -> None:
    """After ten hands it has to be decided."""
    approval = asked(Candidates(frozenset({"p0"})))
    for number in range(10):
        approval = delegate(approval, Actor(f"p{number}"), f"p{number + 1}", None, NOW)
    with pytest.raises(InvalidDelegationError, match="10 times"):
        delegate(approval, Actor("p10"), "p11", None, NOW)


def test_time_hands_it_to_the_next_level_and_then_ends_it() -> None:
    """At the due time others get it, with what was said so far; after the last level it is what was configured."""
    levels = (Level(Candidates(frozenset({"ada", "bo"})), HOUR), Level(Candidates(frozenset({"cy", "dee"})), HOUR))
    approval = delegate(yes(asked(levels=levels, four_eyes=2), ADA), BO, "eve", None, NOW)
    assert run_out(approval, NOW + HOUR - timedelta(microseconds=1)) is approval
    escalated = run_out(approval, NOW + HOUR)
    assert (escalated.level, escalated.due_at, escalated.seats) == (1, NOW + 2 * HOUR, {"cy", "dee"})
    with pytest.raises(NotACandidateError):
        yes(escalated, BO)
    assert yes(escalated, CY).status is Status.APPROVED
    expired = run_out(escalated, NOW + 2 * HOUR)
    assert (expired.status, outcome_of(expired)["decision"]) == (Status.EXPIRED, "expire")
    assert run_out(expired, NOW + 3 * HOUR) is expired


@pytest.mark.parametrize(("outcome", "decision"), [(Status.APPROVED, "approve"), (Status.REJECTED, "reject")])
def test_running_out_of_time_may_count_as_a_decision(outcome: Status, decision: str) -> None:
    """Silence is a yes or a no where the task says so, and nobody is named as having said it."""
    approval = run_out(asked(lasts=HOUR, on_expiry=outcome), NOW + HOUR)
    assert outcome_of(approval) == {"approval_id": "a", "decision": decision, "by": [], "comments": []}


def test_who_asked_or_runs_the_place_may_cancel() -> None:
    """The one who asked and admins take it back, once; others do not, nor when it is settled."""
    approval = asked(requested_by="mallory")
    for by in (Actor("orchestrator"), Actor("mallory"), ROOT):
        cancelled = cancel(approval, by, LATER)
        assert outcome_of(cancelled)["decision"] == "cancel"
        assert outcome_of(cancelled)["by"] == [by.name]
        assert cancel(cancelled, by, LATER) is cancelled
        with pytest.raises(ApprovalClosedError, match=f"cancelled by {by.name}"):
            yes(cancelled, ADA)
    with pytest.raises(NotACandidateError):
        cancel(approval, ADA, LATER)
    with pytest.raises(NotACandidateError):
        cancel(approval, Actor("root", frozenset({"admin"}), tenant="acme"), LATER)
    with pytest.raises(ApprovalClosedError):
        cancel(yes(approval, ADA), ROOT, LATER)


def test_those_who_take_part_may_comment_even_afterwards() -> None:
    """Comments are for those who ask and decide; they are told along with the outcome; there is an end to them."""
    approval = asked(Candidates(frozenset({"ada"})))
    for by in (Actor("orchestrator"), ADA, ROOT):
        assert comment(approval, by, "why?", NOW).comments[-1].text == "why?"
    for stranger in (BO, Actor("ada", ADA.roles, tenant="acme"), Actor("root", ROOT.roles, tenant="acme")):
        with pytest.raises(NotACandidateError):
            comment(approval, stranger, "hm", NOW)
    after = comment(yes(delegate(approval, ADA, "bo", None, NOW), BO), ADA, "good", LATER)
    assert outcome_of(after)["comments"] == [{"by": "ada", "text": "good"}]
    for number in range(200):
        approval = comment(approval, ADA, str(number), NOW)
    with pytest.raises(InvalidApprovalError, match="no room"):
        comment(approval, ADA, "one more", NOW)
