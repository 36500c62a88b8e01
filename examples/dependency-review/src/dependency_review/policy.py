"""What is asked of a policy about a review, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from dependency_review.comparison import Relation
from dependency_review.errors import InvalidExpressionError
from dependency_review.expressions import alternatives

_BORNE_OUT: Final = frozenset({Relation.EXACT, Relation.COMPATIBLE})
_DECLARED_ONLY: Final = 0.9
"""How sure it is that a declaration is right that no text bears out."""
_CONTRADICTED: Final = 0.5
"""How sure it is when the texts are those of another licence."""


class Decision(StrEnum):
    """What a policy says."""

    ALLOW = "allow"
    NEEDS_APPROVAL = "needs_approval"
    DENY = "deny"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Reason(_Model):
    """A rule that had a part in a decision."""

    rule: str
    text: str = ""


class PolicyAnswer(_Model):
    """What a policy said of a distribution. Members that it adds later are ignored."""

    policy: str
    policy_version: int
    decision: Decision
    decision_id: str
    """By which governance-service's log has it."""
    licenses: tuple[str, ...] = ()
    """The alternative that was decided on."""
    reasons: tuple[Reason, ...] = ()


class ApprovalAnswer(_Model):
    """What came of the question to those who approve."""

    approval_id: str
    decision: str
    """`approve` or `reject`; `expire`, `cancel` or `unanswered` when nobody has decided."""
    by: tuple[str, ...] = ()
    comments: tuple[Any, ...] = ()

    @property
    def is_approved(self) -> bool:
        """Whether what was asked for may be used."""
        return self.decision == "approve"


class PolicySummary(_Model):
    """The figures of a policy's decisions."""

    policy: str
    allowed: int
    needs_approval: int
    denied: int
    unanswered: int
    """Distributions that it could not be asked about."""
    approval: ApprovalAnswer | None = None
    """None when nothing had to be approved, or nobody could be asked."""


class Question(_Model):
    """What is asked about a distribution."""

    alternatives: tuple[tuple[str, ...], ...] = Field(min_length=1)
    """Sets of licences; complying with one of them is enough. One empty set when no licence is known."""
    confidence: float


def question_about(
    declared: str | None, recognized: str | None, confidence: float | None, relation: Relation | None
) -> Question:
    """Work out what to ask.

    A declaration that the texts bear out counts as it stands; one that they contradict counts as half sure; one without texts
    is believed. Without a declaration the texts are all there is.

    Args:
        declared: The declared SPDX expression; None without one.
        recognized: The recognised SPDX expression; None without one.
        confidence: How sure the recognition is, 0 to 1.
        relation: How the two stand to each other; None when the review failed.

    Returns:
        The question.
    """
    if declared is not None and relation in _BORNE_OUT:
        return Question(alternatives=_sets(declared), confidence=1.0)
    if declared is not None and recognized is None:
        return Question(alternatives=_sets(declared), confidence=_DECLARED_ONLY)
    if declared is not None:
        return Question(alternatives=_sets(f"({declared}) AND ({recognized})"), confidence=_CONTRADICTED)
    if recognized is not None:
        return Question(alternatives=_sets(recognized), confidence=round(confidence or 0.0, 4))
    return Question(alternatives=((),), confidence=0.0)


def summarize_policy(
    policy: str, answers: Sequence[PolicyAnswer | None], approval: ApprovalAnswer | None
) -> PolicySummary:
    """Count.

    Args:
        policy: The policy.
        answers: What it said of each distribution; None where it could not be asked.
        approval: What came of the question to those who approve.

    Returns:
        The figures.
    """
    counts = Counter(None if answer is None else answer.decision for answer in answers)
    return PolicySummary(
        policy=policy,
        allowed=counts[Decision.ALLOW],
        needs_approval=counts[Decision.NEEDS_APPROVAL],
        denied=counts[Decision.DENY],
        unanswered=counts[None],
        approval=approval,
    )


def _sets(expression: str) -> tuple[tuple[str, ...], ...]:
    try:
        found = alternatives(expression)
    except InvalidExpressionError:
        return ((),)
    return tuple(sorted(tuple(sorted(names)) for names in found)) or ((),)
