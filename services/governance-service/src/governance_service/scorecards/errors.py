"""The errors of scorecards as answers over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from governance_service.scorecards.domain import RegistryUnreachableError, ScorecardError, ScorecardNotFoundError
from maestro_core_api import APIException, ConflictException, NotFoundException, ServiceUnavailableException


class ScorecardNotFoundException(NotFoundException):
    """404: the service is not registered."""

    error_code = ScorecardNotFoundError.code
    message = "Service not found"


class RegistryUnreachableException(ServiceUnavailableException):
    """503: the registry cannot be asked."""

    error_code = RegistryUnreachableError.code
    message = "The registry cannot be asked"


ANSWERS: Final[Mapping[type[Exception], Callable[[Any], APIException]]] = {
    ScorecardNotFoundError: lambda error: ScorecardNotFoundException(detail=str(error), known=list(error.known)),
    RegistryUnreachableError: lambda error: RegistryUnreachableException(detail=str(error)),
    ScorecardError: lambda error: ConflictException(detail=str(error), error_code=error.code),
}
"""How each error is answered."""
