"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check went."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be found out; it counts as not passed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at a service showed."""

    state: State
    evidence: str
    """What was seen."""
    remedy: str | None = None
    """What to do about it; None when there is nothing to do."""


def passed(evidence: str) -> Finding:
    """Make a finding of something that is as it should be.

    Args:
        evidence: What was seen.
    """
    return Finding(State.PASSED, evidence)


def failed(evidence: str, remedy: str) -> Finding:
    """Make a finding of something that is not as it should be.

    Args:
        evidence: What was seen.
        remedy: What to do about it.
    """
    return Finding(State.FAILED, evidence, remedy)


def unknown(evidence: str, remedy: str) -> Finding:
    """Make a finding of something that could not be seen.

    Args:
        evidence: Why not.
        remedy: How to make it visible.
    """
    return Finding(State.UNKNOWN, evidence, remedy)
