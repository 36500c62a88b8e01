"""The errors of approvals as answers over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from governance_service.approvals.domain import (
    AlreadyDecidedError,
    AmbiguousApprovalError,
    ApprovalClaimedError,
    ApprovalClosedError,
    ApprovalError,
    ApprovalExistsError,
    ApprovalNotFoundError,
    InvalidApprovalError,
    InvalidDelegationError,
    NotACandidateError,
    StaleApprovalError,
)
from maestro_core_api import (
    APIException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    ServiceUnavailableException,
    ValidationException,
)


class ApprovalNotFoundException(NotFoundException):
    """404: there is no such approval, or it is another tenant's."""

    error_code = ApprovalNotFoundError.code
    message = "Approval not found"


class AmbiguousApprovalException(ConflictException):
    """409: several tenants have one of this id; `tenants` names them, null for the platform itself."""

    error_code = AmbiguousApprovalError.code
    message = "Several tenants have an approval of this id"


class InvalidApprovalException(ValidationException):
    """422: what is asked for makes no sense; `errors` names everything."""

    error_code = InvalidApprovalError.code
    message = "The approval is not valid"


class ApprovalExistsException(ConflictException):
    """409: the id is taken."""

    error_code = ApprovalExistsError.code
    message = "The approval exists"


class ApprovalClosedException(ConflictException):
    """409: it is settled."""

    error_code = ApprovalClosedError.code
    message = "The approval is settled"


class AlreadyDecidedException(ConflictException):
    """409: the caller has said something else before."""

    error_code = AlreadyDecidedError.code
    message = "Already decided"


class ApprovalClaimedException(ConflictException):
    """409: somebody else is at it."""

    error_code = ApprovalClaimedError.code
    message = "Somebody else has claimed it"


class NotACandidateException(ForbiddenException):
    """403: the caller may not do this to this approval."""

    error_code = NotACandidateError.code
    message = "This approval is for others"


class InvalidDelegationException(ValidationException):
    """422: it cannot be handed to that person."""

    error_code = InvalidDelegationError.code
    message = "It cannot be delegated so"


class ApprovalBusyException(ServiceUnavailableException):
    """503: too many change it at once."""

    error_code = StaleApprovalError.code
    message = "The approval is being changed"


def _invalid(error: InvalidApprovalError) -> APIException:
    faults = [{"path": f"body.{path}", "message": message} for path, message in error.faults]
    return InvalidApprovalException(detail=str(error), errors=faults)


ANSWERS: Final[Mapping[type[Exception], Callable[[Any], APIException]]] = {
    ApprovalNotFoundError: lambda error: ApprovalNotFoundException(detail=str(error)),
    AmbiguousApprovalError: lambda error: AmbiguousApprovalException(detail=str(error), tenants=list(error.tenants)),
    InvalidApprovalError: _invalid,
    ApprovalExistsError: lambda error: ApprovalExistsException(detail=str(error)),
    ApprovalClosedError: lambda error: ApprovalClosedException(detail=str(error), status_of_approval=error.status),
    AlreadyDecidedError: lambda error: AlreadyDecidedException(detail=str(error)),
    ApprovalClaimedError: lambda error: ApprovalClaimedException(detail=str(error), claimed_by=error.by),
    NotACandidateError: lambda error: NotACandidateException(detail=str(error), rule=error.rule),
    InvalidDelegationError: lambda error: InvalidDelegationException(
        detail=str(error), errors=[{"path": "body.to", "message": str(error)}]
    ),
    StaleApprovalError: lambda error: ApprovalBusyException(detail=str(error)),
    ApprovalError: lambda error: ConflictException(detail=str(error), error_code=error.code),
}
"""How each error is answered."""
