"""The gateway's errors as answers over HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from maestro_core_api import (
    APIException,
    ConflictException,
    NotFoundException,
    ServiceUnavailableException,
    UnauthorizedException,
    ValidationException,
)
from maestro_core_db import DatabaseError, DatabaseFullError

from .triggers.errors import (
    DeliveryConflictError,
    DeliveryInvalidError,
    DeliveryNotFoundError,
    GatewayError,
    InvalidTriggerError,
    MappingError,
    ReplayRefusedError,
    SignatureError,
    TriggerConflictError,
    TriggerNotFoundError,
)


class TriggerNotFoundException(NotFoundException):
    """404: there is no such trigger."""

    error_code = TriggerNotFoundError.code
    message = "Trigger not found"


class DeliveryNotFoundException(NotFoundException):
    """404: there is no such delivery."""

    error_code = DeliveryNotFoundError.code
    message = "Delivery not found"


class InvalidTriggerException(ValidationException):
    """422: the declaration breaks rules; `errors` names every fault."""

    error_code = InvalidTriggerError.code
    message = "The trigger is not valid"


class TriggerConflictException(ConflictException):
    """409: the name is taken, or the trigger was changed meanwhile."""

    error_code = TriggerConflictError.code
    message = "The trigger cannot be changed like this"


class SignatureException(UnauthorizedException):
    """401: the request is not what the webhook's sender signed; `rule` names what it broke."""

    error_code = SignatureError.code
    message = "The signature is not valid"


class DeliveryInvalidException(APIException):
    """400: what was delivered cannot be read."""

    status_code = 400
    error_code = DeliveryInvalidError.code
    message = "The delivery cannot be read"


class DeliveryTooLargeException(APIException):
    """413: the trigger takes no body of this size."""

    status_code = 413
    error_code = "DELIVERY_TOO_LARGE"
    message = "The delivery is too large"


class DeliveryConflictException(ConflictException):
    """409: this id came before, with another content."""

    error_code = DeliveryConflictError.code
    message = "The delivery's id was used before"


class ReplayRefusedException(ConflictException):
    """409: the delivery is not in a state to be replayed."""

    error_code = ReplayRefusedError.code
    message = "The delivery cannot be replayed"


class MappingFailedException(ValidationException):
    """422: a jq program of the trigger failed; the delivery is kept and can be replayed."""

    error_code = MappingError.code
    message = "The delivery cannot be mapped to a run"


class TriggerPausedException(ServiceUnavailableException):
    """503: the trigger is paused; come again later."""

    error_code = "TRIGGER_PAUSED"
    message = "The trigger is paused"


class StorageUnavailableException(ServiceUnavailableException):
    """503: the database cannot be used now; nothing was taken in."""

    error_code = "STORAGE_UNAVAILABLE"
    message = "The gateway cannot use its database"


class StorageFullException(APIException):
    """507: there is no room in the database; nothing was taken in."""

    status_code = 507
    error_code = "STORAGE_FULL"
    message = "The gateway's disk is full"


_RETRY_AFTER = {"Retry-After": "5"}
_PLAIN: Mapping[type[GatewayError], type[APIException]] = {
    TriggerNotFoundError: TriggerNotFoundException,
    TriggerConflictError: TriggerConflictException,
    DeliveryNotFoundError: DeliveryNotFoundException,
    DeliveryInvalidError: DeliveryInvalidException,
    DeliveryConflictError: DeliveryConflictException,
    ReplayRefusedError: ReplayRefusedException,
}


@contextmanager
def answered() -> Iterator[None]:
    """Turn the domain's and the database's errors, raised in the block, into answers.

    Raises:
        APIException: What was raised, said in HTTP.
    """
    try:
        yield
    except GatewayError as error:
        raise as_api_exception(error) from error
    except DatabaseFullError as error:
        raise StorageFullException(detail="make room on the disk of the database") from error
    except DatabaseError as error:
        raise StorageUnavailableException(detail=f"try again ({error.code})", headers=_RETRY_AFTER) from error


def as_api_exception(error: GatewayError) -> APIException:
    """Say an error in HTTP.

    Args:
        error: What went wrong.

    Returns:
        The exception that the framework answers with.
    """
    match error:
        case InvalidTriggerError():
            faults = [{"path": f"body.{fault.path}", "message": fault.message} for fault in error.faults]
            return InvalidTriggerException(detail=str(error), errors=faults)
        case SignatureError():
            return SignatureException(
                detail=str(error), rule=error.rule, headers={"WWW-Authenticate": "Webhook-Signature"}
            )
        case MappingError():
            return MappingFailedException(detail=str(error), program=error.program)
        case _:
            known = _PLAIN.get(type(error))
            if known is None:
                return APIException(detail=str(error), error_code=error.code)
            return known(detail=str(error))
