"""The MAESTRO service framework on FastAPI: errors, auth, telemetry, discovery, client."""

from ._access import current_principal, public, require_role
from ._app import MaestroAPI
from ._client import APIClient, CircuitConfig, ClientConfig, RetryConfig
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
from ._principal import Principal
from ._problem import ProblemDetails
from ._tokens import issue_token

__all__ = [
    "APIClient",
    "APIConfig",
    "APIException",
    "AddressUnavailableError",
    "BadGatewayException",
    "CircuitConfig",
    "ClientConfig",
    "ClientNotOpenError",
    "ConflictException",
    "CoreAPIError",
    "ForbiddenException",
    "MaestroAPI",
    "NotFoundException",
    "Principal",
    "ProblemDetails",
    "RemoteAPIException",
    "RetryConfig",
    "SecurityConfig",
    "ServiceUnavailableException",
    "StartupError",
    "StreamEvent",
    "UnauthorizedException",
    "ValidationException",
    "current_principal",
    "issue_token",
    "public",
    "require_role",
]
