"""What a person should look at: oddities of the environment and of its metadata, and reviews that failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """The kinds of findings."""

    MISSING_PATH = "missing-path"
    """A folder that was asked for is not there."""
    UNREADABLE = "unreadable"
    """A folder or file cannot be read."""
    NO_METADATA = "no-metadata"
    """A metadata folder without metadata, as an interrupted installation leaves it."""
    INCOMPLETE_METADATA = "incomplete-metadata"
    """Metadata without a name or version."""
    DUPLICATE = "duplicate"
    """A distribution that is installed more than once."""
    INVALID_EXPRESSION = "invalid-expression"
    """A declared License-Expression that is no SPDX expression."""
    NO_TEXT = "no-text"
    """A distribution without any licence text."""
    REVIEW_FAILED = "review-failed"
    """A review that could not be completed."""
    DENIED = "denied"
    """A distribution that the policy, or those who approve, do not allow."""
    POLICY_UNANSWERED = "policy-unanswered"
    """A distribution that the policy could not be asked about."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to look at."""

    kind: FindingKind
    subject: str
    """What it is about: a distribution's name, or a path."""
    detail: str
    """What was found, for a person."""
