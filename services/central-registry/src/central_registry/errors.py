"""The registry's errors as answers over HTTP."""

from collections.abc import Mapping

from central_registry.catalog.domain import CatalogFullError, EntryNotFoundError, InvalidEntryError
from central_registry.domain import (
    InvalidRegistrationError,
    LeaseExpiredError,
    RegistryError,
    RegistryFullError,
    ServiceNotFoundError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from maestro_core_api import (
    APIException,
    NotFoundException,
    ServiceUnavailableException,
    TooManyRequestsException,
    ValidationException,
)

_IN_THE_PATH = frozenset({"name", "instance_id"})


class InvalidRegistrationException(ValidationException):
    """422: the registration breaks the rules; `errors` names every fault."""

    error_code = InvalidRegistrationError.code
    message = "The registration is not valid"


class ServiceNotFoundException(NotFoundException):
    """404: no instance of the service is live."""

    error_code = ServiceNotFoundError.code
    message = "Service not found"


class LeaseExpiredException(NotFoundException):
    """404: the instance has no lease and must register again."""

    error_code = LeaseExpiredError.code
    message = "The lease ran out"


class StorageUnavailableException(ServiceUnavailableException):
    """503: the change cannot be kept now."""

    error_code = StorageUnavailableError.code
    message = "The registry cannot write its database"


class StorageFullException(APIException):
    """507: there is no room to keep the change."""

    status_code = 507
    error_code = StorageFullError.code
    message = "The registry's disk is full"


class RegistryFullException(APIException):
    """507: no more instances are taken."""

    status_code = 507
    error_code = RegistryFullError.code
    message = "The registry is full"


class InvalidEntryException(ValidationException):
    """422: what is said for the catalog breaks the rules; `errors` names every fault."""

    error_code = InvalidEntryError.code
    message = "The catalog does not take this"


class EntryNotFoundException(NotFoundException):
    """404: the catalog has no such entry or document."""

    error_code = EntryNotFoundError.code
    message = "Not in the catalog"


class CatalogFullException(APIException):
    """507: the catalog takes no more."""

    status_code = 507
    error_code = CatalogFullError.code
    message = "The catalog is full"


class TooManyWatchersException(TooManyRequestsException):
    """429: no more watchers are taken."""

    error_code = "TOO_MANY_WATCHERS"
    message = "Too many are watching"


_STORAGE: Mapping[type[RegistryError], type[APIException]] = {StorageFullError: StorageFullException}
_PLAIN: Mapping[type[RegistryError], type[APIException]] = {
    LeaseExpiredError: LeaseExpiredException,
    EntryNotFoundError: EntryNotFoundException,
}


def as_api_exception(error: RegistryError) -> APIException:
    """Say an error in HTTP.

    Args:
        error: What went wrong.

    Returns:
        The exception that the framework answers with.
    """
    detail = str(error)
    match error:
        case InvalidRegistrationError() | InvalidEntryError():
            faults = [{"path": _path(fault.field), "message": fault.message} for fault in error.faults]
            is_entry = isinstance(error, InvalidEntryError)
            return (InvalidEntryException if is_entry else InvalidRegistrationException)(detail=detail, errors=faults)
        case ServiceNotFoundError():
            return ServiceNotFoundException(detail=detail, live=list(error.live), unhealthy=error.unhealthy)
        case RegistryFullError() | CatalogFullError():
            is_catalog = isinstance(error, CatalogFullError)
            return (CatalogFullException if is_catalog else RegistryFullException)(detail=detail, limit=error.most)
        case StorageError():
            # Without the file's path, which is in the log: callers need not know the machine's folders.
            detail = f"{error.reason}; {error.hint}. Look-ups and renewals go on"
            return _STORAGE.get(type(error), StorageUnavailableException)(detail=detail)
        case _:
            known = _PLAIN.get(type(error))
            return APIException(detail=detail, error_code=error.code) if known is None else known(detail=detail)


def _path(field: str) -> str:
    return f"path.{field}" if field in _IN_THE_PATH else f"body.{field}"
