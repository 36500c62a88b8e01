"""What all subjects of the service have in common."""

from typing import ClassVar


class GovernanceError(Exception):
    """Root of this service's errors.

    Attributes:
        code: Stable name of the kind of error.
    """

    code: ClassVar[str] = "GOVERNANCE_ERROR"
