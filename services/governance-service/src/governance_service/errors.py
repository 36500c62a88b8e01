"""Errors as answers over HTTP: those of every subject, and those of the database, in one table."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from governance_service.approvals.errors import ANSWERS as APPROVALS
from governance_service.audit.errors import ANSWERS as AUDIT
from governance_service.domain import GovernanceError
from governance_service.identity.errors import ANSWERS as IDENTITY
from governance_service.policies.errors import ANSWERS as POLICIES
from governance_service.scorecards.errors import ANSWERS as SCORECARDS
from maestro_core_api import APIException, ConflictException, ServiceUnavailableException, ValidationException
from maestro_core_db import DatabaseError, DatabaseFullError, StaleRecordError
from maestro_core_logging import get_logger

_logger = get_logger(__name__)
_NO_SUCH_CHARACTER: Final = "22021"
"""PostgreSQL's code for it."""


class StorageUnavailableException(ServiceUnavailableException):
    """503: the database cannot be used now."""

    error_code = "STORAGE_UNAVAILABLE"
    message = "The service cannot use its database"


class StorageFullException(APIException):
    """507: there is no room to keep the change."""

    status_code = 507
    error_code = "STORAGE_FULL"
    message = "The service's database is full"


class StaleRecordException(ConflictException):
    """409: somebody else was quicker."""

    error_code = "STALE_RECORD"
    message = "Somebody else has changed it meanwhile"


class UnstorableTextException(ValidationException):
    """422: PostgreSQL keeps no text with U+0000 in it."""

    error_code = "UNSTORABLE_TEXT"
    message = "A text cannot be stored"


def _storage(answer: type[APIException]) -> Callable[[DatabaseError], APIException]:
    def said(error: DatabaseError) -> APIException:
        # What the database says may name hosts and folders; callers get the code, and the log the rest.
        _logger.error("The database cannot be used", error_code=error.code, reason=str(error))
        return answer(detail=error.code)

    return said


_ANSWERS: Final[Mapping[type[Exception], Callable[[Any], APIException]]] = {
    **AUDIT,
    **IDENTITY,
    **POLICIES,
    **APPROVALS,
    **SCORECARDS,
    StaleRecordError: lambda error: StaleRecordException(detail=str(error)),
    DatabaseFullError: _storage(StorageFullException),
    DatabaseError: _storage(StorageUnavailableException),
    GovernanceError: lambda error: ServiceUnavailableException(detail=str(error), error_code=error.code),
}


def as_api_exception(error: Exception) -> APIException:
    """Say an error in HTTP.

    Args:
        error: A subject's, or the database's.

    Returns:
        The exception that the framework answers with.
    """
    answer = next(_ANSWERS[kind] for kind in type(error).__mro__ if kind in _ANSWERS)
    return answer(error)


async def in_http_terms() -> AsyncIterator[None]:
    """Turn errors into answers; a dependency of every router."""
    try:
        yield
    except (GovernanceError, DatabaseError) as error:
        raise as_api_exception(error) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NO_SUCH_CHARACTER:
            raise
        raise UnstorableTextException(detail="a text in the request has the character U+0000") from error
