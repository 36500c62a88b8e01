"""What can go wrong with the trail."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from governance_service.domain import GovernanceError


class AuditError(GovernanceError):
    """Root of the trail's errors."""

    code: ClassVar[str] = "AUDIT_ERROR"


class InvalidRecordError(AuditError):
    """A record cannot be kept as it is.

    Args:
        faults: For each field at fault, what is wrong.
    """

    code = "INVALID_AUDIT_RECORD"

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field} {message}" for field, message in faults.items()))
        self.faults = dict(faults)


class EntryDiffersError(AuditError):
    """The same entry id came again with another content.

    Args:
        entry_id: The id.
    """

    code = "AUDIT_ENTRY_DIFFERS"

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"entry {entry_id} was recorded before, and says something else")
        self.entry_id = entry_id


class VerificationStoppedError(AuditError):
    """The service stops before the whole trail was read."""

    code = "AUDIT_VERIFICATION_STOPPED"

    def __init__(self) -> None:
        super().__init__("the service stops; verify again when it runs")


class AnchorError(AuditError):
    """Checkpoints cannot be written or read outside of the database.

    Args:
        path: The file or folder.
        reason: What the system said.
    """

    code = "AUDIT_ANCHOR_UNUSABLE"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot hold the checkpoints of the audit trail: {reason}")
        self.path = path
        self.reason = reason
