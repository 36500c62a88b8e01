import maestro_core_api
from maestro_core_api import testing


def test_public_names_are_pinned() -> None:
    """The package exports exactly these names, in order."""
    assert maestro_core_api.__all__ == [
        "APIClient",
        "APIConfig",
        "APIException",
        "APIKey",
        "APIKeyConfig",
        "AddressUnavailableError",
        "BadGatewayException",
        "ClientNotOpenError",
        "ConflictException",
        "CoreAPIError",
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
        "current_principal",
        "etag",
        "idempotent",
        "idempotent_call",
        "issue_api_key",
        "issue_token",
        "limit_rate",
        "paging",
        "preconditions",
        "public",
        "require_idempotency_key",
        "require_if_match",
        "require_role",
        "require_scope",
        "time_limit",
        "weak_etag",
    ]
    assert all(hasattr(maestro_core_api, name) for name in maestro_core_api.__all__)


def test_testing_names_are_pinned() -> None:
    """The testing module offers exactly these names."""
    assert testing.__all__ == ["APITestCase", "running"]
