"""The MAESTRO service framework on FastAPI: errors, auth, telemetry, discovery, client."""

from typing import TYPE_CHECKING, Any

from ._access import current_principal, platform_caller, public, require_role, require_scope
from ._api_keys import APIKey, issue_api_key
from ._app import MaestroAPI
from ._catalog_entry import CatalogEntry, Dependency, DocsLink
from ._certificates import trusted_certificates
from ._client_address import client_address
from ._config import APIConfig
from ._errors import AddressUnavailableError, ClientNotOpenError, CoreAPIError, StartupError
from ._etag import etag, weak_etag
from ._events import StreamEvent
from ._exceptions import (
    APIException,
    BadGatewayException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    PreconditionFailedException,
    RemoteAPIException,
    ServiceUnavailableException,
    TooManyRequestsException,
    UnauthorizedException,
    ValidationException,
)
from ._idempotency_config import IdempotencyConfig
from ._idempotent import idempotent, idempotent_call, require_idempotency_key
from ._key_store import FileKeyStore, KeyFileError, KeyStore, MemoryKeyStore
from ._limits import LimitsConfig
from ._pagination import Page, Paging, paging
from ._preconditions import Preconditions, preconditions, require_if_match
from ._principal import Principal
from ._problem import ProblemDetails
from ._rate_limit import RateLimit
from ._rate_limit_config import RateLimitConfig
from ._rate_limit_layer import count_for, limit_rate
from ._request_info import IdempotentCall
from ._running_task import running_task
from ._security_config import IDENTITY_AUDIENCE, IDENTITY_ISSUER, APIKeyConfig, SecurityConfig, TrustedIssuer
from ._service_log import configure_service_logging
from ._time_limits import time_limit
from ._tls import TLSConfig
from ._valkey import ValkeyNotInstalledError, ValkeyNotOpenError
from ._version_key import version_key

if TYPE_CHECKING:
    from ._client import APIClient, CircuitConfig, ClientConfig, RetryConfig
    from ._tokens import issue_token

__all__ = [
    "IDENTITY_AUDIENCE",
    "IDENTITY_ISSUER",
    "APIClient",
    "APIConfig",
    "APIException",
    "APIKey",
    "APIKeyConfig",
    "AddressUnavailableError",
    "BadGatewayException",
    "CatalogEntry",
    "CircuitConfig",
    "ClientConfig",
    "ClientNotOpenError",
    "ConflictException",
    "CoreAPIError",
    "Dependency",
    "DocsLink",
    "FileKeyStore",
    "ForbiddenException",
    "IdempotencyConfig",
    "IdempotentCall",
    "KeyFileError",
    "KeyStore",
    "LimitsConfig",
    "MaestroAPI",
    "MemoryKeyStore",
    "NotFoundException",
    "Page",
    "Paging",
    "PreconditionFailedException",
    "Preconditions",
    "Principal",
    "ProblemDetails",
    "RateLimit",
    "RateLimitConfig",
    "RemoteAPIException",
    "RetryConfig",
    "SecurityConfig",
    "ServiceUnavailableException",
    "StartupError",
    "StreamEvent",
    "TLSConfig",
    "TooManyRequestsException",
    "TrustedIssuer",
    "UnauthorizedException",
    "ValidationException",
    "ValkeyNotInstalledError",
    "ValkeyNotOpenError",
    "client_address",
    "configure_service_logging",
    "count_for",
    "current_principal",
    "etag",
    "idempotent",
    "idempotent_call",
    "issue_api_key",
    "issue_token",
    "limit_rate",
    "paging",
    "platform_caller",
    "preconditions",
    "public",
    "require_idempotency_key",
    "require_if_match",
    "require_role",
    "require_scope",
    "running_task",
    "time_limit",
    "trusted_certificates",
    "version_key",
    "weak_etag",
]


_OF_THE_CLIENT = frozenset({"APIClient", "CircuitConfig", "ClientConfig", "RetryConfig"})


def __getattr__(name: str) -> Any:
    # An HTTP client and a library of cryptography are a third of the time that the rest takes to import, and many a
    # process that imports this package uses neither.
    if name in _OF_THE_CLIENT:
        from . import _client  # noqa: PLC0415 - as above

        return getattr(_client, name)
    if name == "issue_token":
        from ._tokens import issue_token  # noqa: PLC0415 - as above

        return issue_token
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
