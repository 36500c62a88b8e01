import maestro_core_api
from maestro_core_api import testing


def test_public_names_are_pinned() -> None:
    """The package exports exactly these names, in order."""
    assert maestro_core_api.__all__ == [
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
    assert all(hasattr(maestro_core_api, name) for name in maestro_core_api.__all__)


def test_testing_names_are_pinned() -> None:
    """The testing module offers exactly these names."""
    assert testing.__all__ == [
        "APITestCase",
        "FakeClock",
        "ScratchDatabase",
        "Telemetry",
        "in_process_client",
        "recorded_telemetry",
        "running",
        "scratch_database",
        "token_for",
    ]
