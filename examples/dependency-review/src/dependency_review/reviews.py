"""The review of one distribution, and the figures over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from dependency_review.comparison import Relation
from dependency_review.inventory import Distribution
from dependency_review.policy import PolicyAnswer, PolicySummary

_TO_LOOK_AT = frozenset({Relation.DIFFERENT, Relation.PARTIAL, Relation.BROADER, Relation.UNRECOGNIZED})


class ReviewStatus(StrEnum):
    """How the review of a distribution ended."""

    RECOGNIZED = "recognized"
    """A licence was recognised in its texts."""
    UNRECOGNIZED = "unrecognized"
    """It ships texts, and no licence was recognised in them."""
    NO_TEXT = "no-text"
    """It ships no licence text."""
    FAILED = "failed"
    """The review could not be completed."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class TextReference(_Model):
    """A licence text that was looked at; its content stays where it is."""

    name: str
    characters: int = Field(ge=0)


class Judgement(_Model):
    """How the recognised licence stands to the declared one; see `comparison`."""

    relation: Relation
    explanation: str = ""


class ReviewOutcome(_Model):
    """What the document `examples/license-review` outputs. Members that it adds later are ignored."""

    license: str | None = None
    """The recognised SPDX expression; None when none was recognised."""
    confidence: float | None = Field(default=None, ge=0, le=1)
    method: str = "none"
    """How it was recognised; "none" where there was no text."""
    model: str | None = None
    """The language model that had a part in it; None without."""
    evidence: tuple[dict[str, Any], ...] = ()
    """Whatever the analysis gave as evidence: JSON objects that the report shows as they are."""
    notes: tuple[str, ...] = ()
    texts: tuple[TextReference, ...] = ()
    comparison: Judgement


class Review(_Model):
    """One distribution and what came of its review: a row of the report."""

    name: str
    version: str
    review_id: str
    """The id of the run that reviewed it."""
    status: ReviewStatus
    declared: str | None
    declared_as: str | None
    legacy_license: str | None
    classifiers: tuple[str, ...]
    requires: tuple[str, ...] = ()
    """What it needs of what was reviewed, by normal name."""
    license: str | None = None
    confidence: float | None = None
    method: str = "none"
    model: str | None = None
    relation: Relation | None = None
    """None when the review failed."""
    explanation: str = ""
    evidence: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    texts: tuple[TextReference, ...] = ()
    error: str | None = None
    """Why the review failed; None when it did not."""
    policy: PolicyAnswer | None = None
    """What the policy says; None when none was asked."""
    policy_error: str | None = None
    """Why the policy could not be asked; None when it could."""

    @classmethod
    def completed(cls, distribution: Distribution, review_id: str, outcome: ReviewOutcome) -> Self:
        """Make the row of a review that was completed."""
        status = ReviewStatus.RECOGNIZED if outcome.license is not None else ReviewStatus.UNRECOGNIZED
        return cls(
            **_told(distribution),
            review_id=review_id,
            status=status if outcome.texts else ReviewStatus.NO_TEXT,
            license=outcome.license,
            confidence=None if outcome.license is None else outcome.confidence,
            method=outcome.method,
            model=outcome.model,
            relation=outcome.comparison.relation,
            explanation=outcome.comparison.explanation,
            evidence=outcome.evidence,
            notes=outcome.notes,
            texts=outcome.texts,
        )

    @classmethod
    def failed(cls, distribution: Distribution, review_id: str, reason: str) -> Self:
        """Make the row of a review that failed."""
        return cls(**_told(distribution), review_id=review_id, status=ReviewStatus.FAILED, error=reason)

    @property
    def compared(self) -> bool:
        """Whether there was a valid declaration to compare with, and a text to recognise."""
        return self.declared is not None and self.status in {ReviewStatus.RECOGNIZED, ReviewStatus.UNRECOGNIZED}

    @property
    def to_look_at(self) -> bool:
        """Whether the texts do not bear the declaration out."""
        return self.compared and self.relation in _TO_LOOK_AT


class LicenseCount(_Model):
    """How many distributions a licence was recognised for."""

    license: str
    count: int


class Mismatch(_Model):
    """A distribution whose texts do not bear its declaration out."""

    name: str
    version: str
    declared: str | None
    recognized: str | None
    relation: Relation
    explanation: str
    confidence: float | None


class Summary(_Model):
    """The figures of a report."""

    distributions: int
    """Reviewed, failed reviews included."""
    recognized: int
    """With a recognised licence."""
    declared: int
    """With a valid License-Expression."""
    no_text: int
    """Without any licence text."""
    failed: int
    """Whose review failed."""
    compared: int
    """With a valid License-Expression and at least one text: the ground truth."""
    matched: int
    """Of these, recognised as exactly what is declared."""
    compatible: int
    """Of these, borne out by the texts without being proved, such as a choice of which each text was recognised."""
    match_rate: float | None
    """`matched` / `compared`, 0 to 1; None when nothing could be compared."""
    mismatches: tuple[Mismatch, ...]
    """All others of these, by name."""
    by_license: tuple[LicenseCount, ...]
    """Most frequent first."""
    policy: PolicySummary | None = None
    """What a policy says of them; None when none was asked."""


def summarize(reviews: Sequence[Review]) -> Summary:
    """Count.

    Args:
        reviews: The reviews, by name.

    Returns:
        The figures.
    """
    compared = [review for review in reviews if review.compared]
    matched = sum(review.relation is Relation.EXACT for review in compared)
    counts = Counter(review.license for review in reviews if review.license is not None)
    return Summary(
        distributions=len(reviews),
        recognized=sum(review.status is ReviewStatus.RECOGNIZED for review in reviews),
        declared=sum(review.declared is not None for review in reviews),
        no_text=sum(review.status is ReviewStatus.NO_TEXT for review in reviews),
        failed=sum(review.status is ReviewStatus.FAILED for review in reviews),
        compared=len(compared),
        matched=matched,
        compatible=sum(review.relation is Relation.COMPATIBLE for review in compared),
        match_rate=round(matched / len(compared), 4) if compared else None,
        mismatches=tuple(_mismatch(review) for review in compared if review.to_look_at),
        by_license=tuple(
            LicenseCount(license=name, count=count)
            for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ),
    )


def _told(distribution: Distribution) -> dict[str, Any]:
    return {
        "name": distribution.name,
        "version": distribution.version,
        "declared": distribution.declared,
        "declared_as": distribution.declared_as,
        "legacy_license": distribution.legacy_license,
        "classifiers": distribution.classifiers,
        "requires": distribution.requires,
    }


def _mismatch(review: Review) -> Mismatch:
    assert review.relation is not None  # only completed reviews are compared
    return Mismatch(
        name=review.name,
        version=review.version,
        declared=review.declared,
        recognized=review.license,
        relation=review.relation,
        explanation=review.explanation,
        confidence=review.confidence,
    )
