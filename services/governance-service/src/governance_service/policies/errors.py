"""The errors of policies as answers over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from governance_service.policies.domain import (
    DecisionNotFoundError,
    InvalidDecisionRequestError,
    InvalidPolicyError,
    PolicyChangedError,
    PolicyError,
    PolicyNotFoundError,
    PolicyTestsFailedError,
    UnreadableError,
)
from maestro_core_api import APIException, ConflictException, NotFoundException, ValidationException


class InvalidPolicyException(ValidationException):
    """422: the policy cannot be used; `errors` names everything."""

    error_code = InvalidPolicyError.code
    message = "The policy is not valid"


class PolicyTestsFailedException(ValidationException):
    """422: the policy's own tests fail."""

    error_code = PolicyTestsFailedError.code
    message = "The policy's tests fail"


class PolicyNotFoundException(NotFoundException):
    """404: there is no such policy, or no such version."""

    error_code = PolicyNotFoundError.code
    message = "Policy not found"


class PolicyChangedException(ConflictException):
    """409: somebody else made a version meanwhile."""

    error_code = PolicyChangedError.code
    message = "The policy has changed"


class InvalidDecisionRequestException(ValidationException):
    """422: the question does not fit the policy's schema."""

    error_code = InvalidDecisionRequestError.code
    message = "The question is not valid"


class DecisionNotFoundException(NotFoundException):
    """404: the log has no such decision."""

    error_code = DecisionNotFoundError.code
    message = "Decision not found"


def _faults(answer: type[APIException]) -> Callable[[Any], APIException]:
    def said(error: InvalidPolicyError | PolicyTestsFailedError) -> APIException:
        faults = [{"path": fault.path, "message": fault.message} for fault in error.faults]
        return answer(detail=f"the policy {error.name!r} has {len(faults)} faults", errors=faults)

    return said


def _question(error: UnreadableError) -> APIException:
    faults = [{"path": f"body.{error.path}", "message": error.message}]
    return InvalidDecisionRequestException(detail=str(error), errors=faults)


ANSWERS: Final[Mapping[type[Exception], Callable[[Any], APIException]]] = {
    InvalidPolicyError: _faults(InvalidPolicyException),
    PolicyTestsFailedError: _faults(PolicyTestsFailedException),
    PolicyNotFoundError: lambda error: PolicyNotFoundException(detail=str(error), known=list(error.known)),
    PolicyChangedError: lambda error: PolicyChangedException(detail=str(error)),
    InvalidDecisionRequestError: lambda error: InvalidDecisionRequestException(detail=str(error)),
    UnreadableError: _question,
    DecisionNotFoundError: lambda error: DecisionNotFoundException(detail=str(error)),
    PolicyError: lambda error: ConflictException(detail=str(error), error_code=error.code),
}
"""How each error is answered."""
