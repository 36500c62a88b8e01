"""What can go wrong with scorecards."""

from collections.abc import Sequence
from typing import ClassVar

from governance_service.domain import GovernanceError


class ScorecardError(GovernanceError):
    """Root of the errors of scorecards.

    Attributes:
        code: Stable name of the kind of error.
    """

    code: ClassVar[str] = "SCORECARD_ERROR"


class ScorecardNotFoundError(ScorecardError):
    """The service is not registered, and was never looked at.

    Args:
        service: Its name.
        known: The services that are registered.
    """

    code = "SCORECARD_NOT_FOUND"

    def __init__(self, service: str, known: Sequence[str]) -> None:
        super().__init__(f"no service {service!r} is registered; there are: {', '.join(known) or 'none'}")
        self.service = service
        self.known = tuple(known)


class RegistryUnreachableError(ScorecardError):
    """Nobody can tell which services there are.

    Args:
        reason: Why.
    """

    code = "REGISTRY_UNREACHABLE"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the registry cannot be asked which services there are: {reason}")
        self.reason = reason
