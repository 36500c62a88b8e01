"""The trail's errors as answers over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from maestro_core_api import APIException, ConflictException, ServiceUnavailableException, ValidationException

from .domain import AnchorError, EntryDiffersError, InvalidRecordError


class InvalidAuditRecordException(ValidationException):
    """422: the record cannot be kept as it is; `errors` names every fault."""

    error_code = InvalidRecordError.code
    message = "The audit record is not valid"


class AuditEntryDiffersException(ConflictException):
    """409: the entry's id was used for something else."""

    error_code = EntryDiffersError.code
    message = "The audit entry was recorded before, and differs"


class UnreadableCheckpointsException(ConflictException):
    """409: a line of the checkpoints is none, so that an export would lack what vouches for it."""

    error_code = "AUDIT_CHECKPOINTS_UNREADABLE"
    message = "The checkpoints of the audit trail have been damaged"


class AuditAnchorException(ServiceUnavailableException):
    """503: nothing can be signed for, and nothing is done unseen."""

    error_code = AnchorError.code
    message = "The audit trail cannot be signed for now"


def _invalid(error: InvalidRecordError) -> APIException:
    faults = [{"path": f"body.{field}", "message": message} for field, message in error.faults.items()]
    return InvalidAuditRecordException(detail=str(error), errors=faults)


ANSWERS: Final[Mapping[type[Exception], Callable[[Any], APIException]]] = {
    InvalidRecordError: _invalid,
    EntryDiffersError: lambda error: AuditEntryDiffersException(detail=str(error)),
    # Without the path, which is in the log: callers need not know the machine's folders.
    AnchorError: lambda error: AuditAnchorException(detail=error.reason),
}
"""For each kind of error, how it is answered."""
