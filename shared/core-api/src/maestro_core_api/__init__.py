"""The MAESTRO service framework on FastAPI: errors, auth, telemetry, discovery, client."""

from typing import TYPE_CHECKING, Any

from ._access import current_principal, public, require_role
from ._app import MaestroAPI
from ._config import APIConfig, SecurityConfig
from ._errors import AddressUnavailableError, ClientNotOpenError, CoreAPIError, StartupError
from ._events import StreamEvent
from ._exceptions import (
    APIException,
    BadGatewayException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    RemoteAPIException,
    ServiceUnavailableException,
    UnauthorizedException,
    ValidationException,
)
from ._limits import LimitsConfig
from ._principal import Principal
from ._problem import ProblemDetails
from ._time_limits import time_limit
from ._tls import TLSConfig

if TYPE_CHECKING:
    from ._client import APIClient
    from ._tokens import issue_token

__all__ = [
    "APIClient",
    "APIConfig",
    "APIException",
    "AddressUnavailableError",
    "BadGatewayException",
    "ClientNotOpenError",
    "ConflictException",
    "CoreAPIError",
    "ForbiddenException",
    "LimitsConfig",
    "MaestroAPI",
    "NotFoundException",
    "Principal",
    "ProblemDetails",
    "RemoteAPIException",
    "SecurityConfig",
    "ServiceUnavailableException",
    "StartupError",
    "StreamEvent",
    "TLSConfig",
    "UnauthorizedException",
    "ValidationException",
    "current_principal",
    "issue_token",
    "public",
    "require_role",
    "time_limit",
]


def __getattr__(name: str) -> Any:
    # An HTTP client and a library of cryptography are a third of the time that the rest takes to import, and many a
    # process that imports this package uses neither.
    if name == "APIClient":
        from ._client import APIClient  # noqa: PLC0415 - as above

        return APIClient
    if name == "issue_token":
        from ._tokens import issue_token  # noqa: PLC0415 - as above

        return issue_token
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
