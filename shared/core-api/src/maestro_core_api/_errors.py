"""Errors outside of any request. What a caller over HTTP sees is the `APIException` family."""


class CoreAPIError(Exception):
    """Root of the errors of this package that are not answers to a request.

    Attributes:
        code: Stable identifier of the kind of error.
    """

    code = "CORE_API_ERROR"


class AddressUnavailableError(CoreAPIError):
    """The address to listen on cannot be had.

    Attributes:
        host: Host that was asked for.
        port: Port that was asked for.
        exit_code: Exit status of a service that stops for this reason (sysexits.h).
    """

    code = "ADDRESS_UNAVAILABLE"

    def __init__(self, message: str, *, host: str, port: int, exit_code: int) -> None:
        super().__init__(message)
        self.host = host
        self.port = port
        self.exit_code = exit_code


class StartupError(CoreAPIError):
    """The service could not start. Raised in a lifespan it is told in one line, without a traceback."""

    code = "STARTUP_FAILED"


class ClientNotOpenError(CoreAPIError):
    """An `APIClient` was used outside of its `async with` block."""

    code = "CLIENT_NOT_OPEN"
