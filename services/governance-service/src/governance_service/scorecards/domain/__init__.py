"""The migration checklist as rules over what can be seen of a service. No I/O, no framework."""

from ._errors import RegistryUnreachableError, ScorecardError, ScorecardNotFoundError
from ._exposition import read_metrics
from ._facts import JSON, Answer, Attestation, Facts, Metrics, Sample
from ._findings import Finding, State
from ._scorecard import ATTESTABLE, CHECKS, Check, Result, Scorecard, assess
from ._store import Point, ScorecardStore

__all__ = [
    "ATTESTABLE",
    "CHECKS",
    "JSON",
    "Answer",
    "Attestation",
    "Check",
    "Facts",
    "Finding",
    "Metrics",
    "Point",
    "RegistryUnreachableError",
    "Result",
    "Sample",
    "Scorecard",
    "ScorecardError",
    "ScorecardNotFoundError",
    "ScorecardStore",
    "State",
    "assess",
    "read_metrics",
]
