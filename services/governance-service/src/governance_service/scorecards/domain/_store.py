"""What scorecards ask of their storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ._facts import Attestation
from ._scorecard import Scorecard


@dataclass(frozen=True, slots=True)
class Point:
    """A score of the past."""

    taken_at: datetime
    score: int


class ScorecardStore(Protocol):
    """Keeps scorecards and attestations."""

    async def add(self, scorecard: Scorecard) -> None:
        """Keep a scorecard; the oldest ones of the service go when there are more than are to be kept."""
        ...

    async def latest(self) -> Sequence[Scorecard]:
        """Return the latest scorecard of each service, by name."""
        ...

    async def latest_of(self, service: str) -> Scorecard | None:
        """Return the latest scorecard of a service, or None."""
        ...

    async def trend(self, service: str, limit: int) -> Sequence[Point]:
        """Return the scores of a service, the latest first."""
        ...

    async def attest(self, service: str, attestation: Attestation) -> None:
        """Keep an attestation in place of the one for the same check, with its entry in the audit trail."""
        ...

    async def attestations(self, service: str) -> dict[str, Attestation]:
        """Return the attestations of a service, by check."""
        ...
