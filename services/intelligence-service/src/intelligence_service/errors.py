"""The service's errors as answers over HTTP."""

from collections.abc import AsyncIterator, Mapping
from math import ceil
from typing import Final

from sqlalchemy.exc import DBAPIError

from intelligence_service.domain.errors import (
    BudgetExhaustedError,
    CorpusError,
    EncoderMissingError,
    ExampleChangedError,
    ExampleNotFoundError,
    InputInvalidError,
    InputTooLongError,
    IntelligenceError,
    LearningFullError,
    LearningOffError,
    ModelOutputInvalidError,
    ModelRejectedError,
    ModelUnavailableError,
    PersonaInvalidError,
    PersonaNotFoundError,
    PersonaSourceError,
)
from maestro_core_api import (
    APIException,
    BadGatewayException,
    ConflictException,
    NotFoundException,
    PreconditionFailedException,
    ServiceUnavailableException,
    TooManyRequestsException,
    ValidationException,
)
from maestro_core_db import DatabaseError, DatabaseFullError
from maestro_core_logging import get_logger


class PersonaNotFoundException(NotFoundException):
    """404: there is no persona of that name."""

    error_code = PersonaNotFoundError.code
    message = "Persona not found"


class PersonaSourceException(ServiceUnavailableException):
    """503: the orchestrator, which keeps the personas, cannot be reached."""

    error_code = PersonaSourceError.code
    message = "The personas cannot be had now"


class PersonaInvalidException(BadGatewayException):
    """502: the persona's document cannot be used."""

    error_code = PersonaInvalidError.code
    message = "The persona cannot be used"


class InputInvalidException(ValidationException):
    """422: the persona needs another input."""

    error_code = InputInvalidError.code
    message = "The input is not what the persona needs"


class InputTooLongException(APIException):
    """413: the input does not fit into the model's context."""

    status_code = 413
    error_code = InputTooLongError.code
    message = "The input is too long for the model"


class ModelUnavailableException(ServiceUnavailableException):
    """503: the model cannot be reached."""

    error_code = ModelUnavailableError.code
    message = "The model is not available"


class ModelRejectedException(BadGatewayException):
    """502: the model's server refused the request."""

    error_code = ModelRejectedError.code
    message = "The model's server refused the request"


class ModelOutputInvalidException(BadGatewayException):
    """502: the model's answers do not obey the persona's schema."""

    error_code = ModelOutputInvalidError.code
    message = "The model gave no usable answer"


class LicenseCorpusException(APIException):
    """500: the installation lacks the licence texts."""

    error_code = CorpusError.code
    message = "The licence texts cannot be read"


class BudgetExhaustedException(TooManyRequestsException):
    """429: the tenant has used up what it may use of models."""

    error_code = BudgetExhaustedError.code
    message = "The budget is used up"


class LearningOffException(ConflictException):
    """409: nothing is learnt here."""

    error_code = LearningOffError.code
    message = "Learning is switched off"


class LearningFullException(ConflictException):
    """409: as much has been learnt as may be kept."""

    error_code = LearningFullError.code
    message = "There is no room for more examples"


class ExampleNotFoundException(NotFoundException):
    """404: the caller's tenant has taught no such example."""

    error_code = ExampleNotFoundError.code
    message = "Example not found"


class ExampleChangedException(PreconditionFailedException):
    """412: the example was changed since it was read."""

    error_code = ExampleChangedError.code
    message = "The example was changed meanwhile"


class EncoderMissingException(ServiceUnavailableException):
    """503: the sentence encoder is not installed."""

    error_code = EncoderMissingError.code
    message = "The sentence encoder is not installed"


class StorageUnavailableException(ServiceUnavailableException):
    """503: the database cannot be used now."""

    error_code = "STORAGE_UNAVAILABLE"
    message = "The service cannot use its database"


class StorageFullException(APIException):
    """507: there is no room to keep the change."""

    status_code = 507
    error_code = "STORAGE_FULL"
    message = "The service's database is full"


class UnstorableTextException(ValidationException):
    """422: PostgreSQL keeps no text with U+0000 in it."""

    error_code = "UNSTORABLE_TEXT"
    message = "A text cannot be stored"


_logger = get_logger(__name__)
_NO_SUCH_CHARACTER: Final = "22021"
"""PostgreSQL's code for it."""
_PLAIN: Mapping[type[IntelligenceError], type[APIException]] = {
    CorpusError: LicenseCorpusException,
    EncoderMissingError: EncoderMissingException,
    ExampleChangedError: ExampleChangedException,
    ExampleNotFoundError: ExampleNotFoundException,
    InputTooLongError: InputTooLongException,
    LearningFullError: LearningFullException,
    LearningOffError: LearningOffException,
    PersonaInvalidError: PersonaInvalidException,
    PersonaSourceError: PersonaSourceException,
}
"""Errors of which nothing but the message goes into the answer."""


async def in_http_terms() -> AsyncIterator[None]:
    """Turn the database's errors into answers; a dependency of every router."""
    try:
        yield
    except DatabaseError as error:
        raise as_api_exception(error) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NO_SUCH_CHARACTER:
            raise
        raise UnstorableTextException(detail="a text in the request has the character U+0000") from error


def as_api_exception(error: IntelligenceError | DatabaseError) -> APIException:
    """Say an error in HTTP.

    Args:
        error: What went wrong.

    Returns:
        The exception that the framework answers with.
    """
    if isinstance(error, DatabaseError):
        return _storage(error)
    detail = str(error)
    match error:
        case PersonaNotFoundError():
            return PersonaNotFoundException(detail=detail, available=list(error.available))
        case InputInvalidError():
            faults = [{"path": fault.path, "message": fault.message} for fault in error.faults]
            return InputInvalidException(detail=detail, errors=faults)
        case ModelUnavailableError():
            return _unavailable(error)
        case ModelRejectedError():
            return ModelRejectedException(detail=detail, endpoint=error.endpoint)
        case BudgetExhaustedError():
            wait_s = ceil(error.retry_after.total_seconds())
            return BudgetExhaustedException(
                detail=detail,
                rule=error.rule,
                limit=error.limit,
                used=error.used,
                unit=error.unit,
                retry_after=wait_s,
                headers={"Retry-After": str(wait_s)},
            )
        case ModelOutputInvalidError():
            return ModelOutputInvalidException(detail=detail, model=error.model, output=error.output)
        case _:
            known = _PLAIN.get(type(error))
            return APIException(detail=detail, error_code=error.code) if known is None else known(detail=detail)


def _storage(error: DatabaseError) -> APIException:
    # What the database says may name hosts and folders; callers get the code, and the log the rest.
    _logger.error("The database cannot be used", error_code=error.code, reason=str(error))
    if isinstance(error, DatabaseFullError):
        return StorageFullException(detail=f"make room for the database ({error.code})")
    return StorageUnavailableException(detail=f"try again ({error.code})", headers={"Retry-After": "5"})


def _unavailable(error: ModelUnavailableError) -> ModelUnavailableException:
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(ceil(error.retry_after.total_seconds()))
    return ModelUnavailableException(detail=str(error), headers=headers, endpoint=error.endpoint, hint=error.hint)
