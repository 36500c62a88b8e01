"""Errors of this package, all under one root."""


class MonitoringError(Exception):
    """Root of all errors that this package raises.

    Attributes:
        code: Stable identifier of the kind of error.
    """

    code = "MONITORING_ERROR"


class HealthCheckError(MonitoringError):
    """What a health check raises to say why it fails.

    Its message is shown to whoever asks for the health of the service, which needs no token. Say what is missing,
    never how to reach it. Of any other exception only the class name is shown, because its text may hold addresses
    or credentials.

    Example:
        >>> async def database_answers() -> None:
        ...     raise HealthCheckError("the journal is not open")
    """

    code = "HEALTH_CHECK_FAILED"
