"""What is kept of policies and decisions."""

from dataclasses import dataclass
from datetime import datetime

from ._compiled import Reason
from ._sources import Outcome, PolicySource, Question


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A version of a policy that was taken."""

    name: str
    version: int
    """From 1; the highest is in force."""
    source: PolicySource
    created_at: datetime
    created_by: str
    """Who applied it; `file:<path>` for one that came from the folder of policies."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer that was given."""

    id: str
    tenant: str | None
    policy: str
    version: int
    question: Question
    outcome: Outcome
    reasons: tuple[Reason, ...]
    asked_by: str
    decided_at: datetime
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A decision that a new version would take otherwise."""

    decision: Decision
    outcome: Outcome | None
    """What the new version says; None when the question does not fit its schema."""
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """A new version beside the decisions that were taken lately."""

    compared: int
    """How many decisions it was asked again."""
    changes: tuple[Change, ...]
    """Those that it would take otherwise."""
