"""Identities' errors as answers over HTTP."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from maestro_core_api import (
    APIException,
    BadGatewayException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    TooManyRequestsException,
    UnauthorizedException,
    ValidationException,
)

from .domain import (
    CredentialsRefusedError,
    InvalidIdentityError,
    LastAdminError,
    NameTakenError,
    NotGrantableError,
    OutsideLoginRefusedError,
    PasswordChangeRequiredError,
    ProviderUnavailableError,
    TokenRefusedError,
    TokenReusedError,
    TooManyAttemptsError,
    UnknownIdentityError,
)


class InvalidIdentityException(ValidationException):
    """422: what was asked for breaks the rules; `errors` names every fault."""

    error_code = InvalidIdentityError.code
    message = "This breaks the rules of identities"


class NameTakenException(ConflictException):
    """409: the name is taken."""

    error_code = NameTakenError.code
    message = "The name is taken"


class LastAdminException(ConflictException):
    """409: nobody would be left to administer the platform."""

    error_code = LastAdminError.code
    message = "The platform needs an admin"


class UnknownIdentityException(NotFoundException):
    """404: there is no such thing, or not where the caller may look."""

    error_code = UnknownIdentityError.code
    message = "Not found"


class NotGrantableException(ForbiddenException):
    """403: the caller may not give this."""

    error_code = NotGrantableError.code
    message = "This may not be given"


class PasswordChangeRequiredException(ForbiddenException):
    """403: the password must be changed first."""

    error_code = PasswordChangeRequiredError.code
    message = "The password must be changed"


class CredentialsRefusedException(UnauthorizedException):
    """401: not let in."""

    error_code = CredentialsRefusedError.code
    message = "Not let in"


class TooManyAttemptsException(TooManyRequestsException):
    """429: too many attempts have failed."""

    error_code = TooManyAttemptsError.code
    message = "Too many attempts have failed"


class ProviderUnavailableException(BadGatewayException):
    """502: an outside provider cannot be asked."""

    error_code = ProviderUnavailableError.code
    message = "The outside provider cannot be asked"


def _invalid(error: InvalidIdentityError) -> APIException:
    faults = [{"path": f"body.{field}", "message": message} for field, message in error.faults.items()]
    return InvalidIdentityException(detail=str(error), errors=faults)


def _too_many(error: TooManyAttemptsError) -> APIException:
    wait_s = max(1, math.ceil(error.wait.total_seconds()))
    return TooManyAttemptsException(
        detail=str(error), rule="sign-in-pauses", retry_after=wait_s, headers={"Retry-After": str(wait_s)}
    )


def _not_let_in(rule: str) -> Callable[[Any], APIException]:
    def said(error: Any) -> APIException:
        return CredentialsRefusedException(
            detail=str(error), error_code=error.code, rule=rule, headers={"WWW-Authenticate": "Bearer"}
        )

    return said


ANSWERS: Final[Mapping[type[Exception], Callable[[Any], APIException]]] = {
    InvalidIdentityError: _invalid,
    NameTakenError: lambda error: NameTakenException(detail=str(error)),
    LastAdminError: lambda error: LastAdminException(detail=str(error)),
    UnknownIdentityError: lambda error: UnknownIdentityException(detail=str(error)),
    NotGrantableError: lambda error: NotGrantableException(detail=str(error), rule=error.rule),
    PasswordChangeRequiredError: lambda error: PasswordChangeRequiredException(detail=str(error), rule="own-password"),
    TooManyAttemptsError: _too_many,
    CredentialsRefusedError: _not_let_in("credentials"),
    TokenRefusedError: _not_let_in("refresh-token"),
    TokenReusedError: _not_let_in("refresh-token-once"),
    OutsideLoginRefusedError: _not_let_in("outside-login"),
    ProviderUnavailableError: lambda error: ProviderUnavailableException(detail=str(error)),
}
"""For each kind of error, how it is answered."""
