"""What can go wrong, in the store and over HTTP."""

from pathlib import Path

from maestro_core_api import APIException, NotFoundException, ServiceUnavailableException, ValidationException


class TelemetryStoreError(Exception):
    """The root of what the store raises."""

    code = "TELEMETRY_STORE"


class StorageError(TelemetryStoreError):
    """The file cannot be used now.

    Args:
        path: The file.
        reason: Why.
    """

    code = "TELEMETRY_STORAGE_UNAVAILABLE"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class MalformedTelemetryError(TelemetryStoreError):
    """What was sent is no OTLP.

    Args:
        reason: What is wrong.
    """

    code = "MALFORMED_TELEMETRY"


class MalformedTelemetryException(ValidationException):
    """400: what was sent is no OTLP; sending it again would change nothing."""

    status_code = 400
    error_code = MalformedTelemetryError.code
    message = "The telemetry cannot be read"


class UnsupportedEncodingException(APIException):
    """415: neither protobuf nor JSON, or packed by something else than gzip."""

    status_code = 415
    error_code = "UNSUPPORTED_ENCODING"
    message = "OTLP comes as protobuf or JSON, as it is or packed by gzip"


class TelemetryTooLargeException(APIException):
    """413: the request is too large, unpacked."""

    status_code = 413
    error_code = "TELEMETRY_TOO_LARGE"
    message = "The telemetry is too large"


class StorageUnavailableException(ServiceUnavailableException):
    """503: it cannot be kept now; senders keep it and try again."""

    error_code = StorageError.code
    message = "The telemetry cannot be kept now"


class TraceNotFoundException(NotFoundException):
    """404: nothing of the trace is here, not or not any more."""

    error_code = "TRACE_NOT_FOUND"
    message = "Nothing is known of the trace"
