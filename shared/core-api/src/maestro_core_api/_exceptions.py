"""The `APIException` family: what a service raises, and what a client of a service gets."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from ._retry_after import retry_after

ErrorItem = Mapping[str, str]
"""One fault in the request: `path` (where) and `message` (what is wrong)."""


class APIException(Exception):  # noqa: N818 - the name is part of the published interface
    """An error that becomes an RFC 9457 answer.

    A service derives its own and sets three class attributes:

        class WorkflowNotFoundException(APIException):
            status_code = 404
            error_code = "WORKFLOW_NOT_FOUND"
            message = "Workflow not found"

    Args:
        message: Replaces the class's message (the answer's `title`).
        detail: What happened this time, for the person who reads it.
        errors: Faults in the request, each with `path` and `message`.
        headers: Headers of the answer.
        error_code: Replaces the class's code.
        status_code: Replaces the class's status.
        **extra: Further members of the answer (`rule`, `limit`, `retry_after` …), any JSON values.

    Attributes:
        status_code: HTTP status of the answer.
        error_code: Stable identifier that callers may branch on.
        message: Summary of the kind of error; the same each time.
        detail: What happened this time, or None.
        errors: Faults in the request; empty when the request itself was not at fault.
        headers: Headers of the answer.
        extra: Further members of the answer.
        problem: The answer as received, when this came from another service (see `RemoteAPIException`); else None.
    """

    status_code: int = 500
    error_code: str = "INTERNAL_ERROR"
    message: str = "The service failed"
    problem: Mapping[str, Any] | None = None

    def __init__(
        self,
        message: str | None = None,
        *,
        detail: str | None = None,
        errors: Sequence[ErrorItem] = (),
        headers: Mapping[str, str] | None = None,
        error_code: str | None = None,
        status_code: int | None = None,
        **extra: Any,
    ) -> None:
        if message is not None:
            self.message = message
        if error_code is not None:
            self.error_code = error_code
        if status_code is not None:
            self.status_code = status_code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(self.message if detail is None else f"{self.message}: {detail}")


class ValidationException(APIException):
    """422: the request is understood but not acceptable; `errors` says where."""

    status_code = 422
    error_code = "VALIDATION_FAILED"
    message = "The request is not valid"


class UnauthorizedException(APIException):
    """401: no usable token."""

    status_code = 401
    error_code = "AUTH_REQUIRED"
    message = "A valid bearer token is required"


class ForbiddenException(APIException):
    """403: the token is valid, but does not allow this."""

    status_code = 403
    error_code = "FORBIDDEN"
    message = "This is not allowed"


class NotFoundException(APIException):
    """404: there is no such thing."""

    status_code = 404
    error_code = "NOT_FOUND"
    message = "Not found"


class ConflictException(APIException):
    """409: the state of the thing does not allow this."""

    status_code = 409
    error_code = "CONFLICT"
    message = "The request conflicts with the current state"


class TooManyRequestsException(APIException):
    """429: a limit is reached; `rule`, `limit` and `retry_after` say which, how high and for how long."""

    status_code = 429
    error_code = "RATE_LIMITED"
    message = "Too many requests"


class PreconditionFailedException(APIException):
    """412: the thing is not, or no longer, in the state that the request names."""

    status_code = 412
    error_code = "PRECONDITION_FAILED"
    message = "The resource has changed"


class BadGatewayException(APIException):
    """502: a service that was needed gave an answer that cannot be used."""

    status_code = 502
    error_code = "BAD_GATEWAY"
    message = "A service that is needed gave an unusable answer"


class ServiceUnavailableException(APIException):
    """503: the service, or one that it needs, cannot be reached now."""

    status_code = 503
    error_code = "SERVICE_UNAVAILABLE"
    message = "The service is not available"


class RemoteAPIException(APIException):
    """What `APIClient` raises for an answer that is not 2xx.

    `status_code`, `error_code`, `message`, `detail` and `errors` are the remote ones, so that a caller can branch on
    them. When a service lets it pass out of an endpoint, its own caller gets a 502 that names the remote service and
    its answer: a remote 404 or 401 is not one of this service.

    Args:
        target: Method and address of the call.
        status_code: Remote status.
        problem: The remote problem document; empty when the answer was not one.
        headers: Headers of the remote answer.

    Attributes:
        target: Method and address of the call.
        problem: The remote problem document; empty when the answer was not one.
        type: URI of the kind of problem; `about:blank` when the answer names none.
        trace_id: Trace under which the remote service's logs tell more, or None.
        rule: Rule that refused the call, or None.
        retry_after: How long the remote service asks to wait, or None.
    """

    fallback_code: ClassVar[str] = "HTTP_{status}"

    def __init__(
        self, target: str, *, status_code: int, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self.target = target
        self.problem = problem
        detail = problem.get("detail")
        errors = problem.get("errors")
        super().__init__(
            str(problem.get("title") or f"{target} answered {status_code}"),
            detail=None if detail is None else str(detail),
            errors=[item for item in errors if isinstance(item, Mapping)] if isinstance(errors, list) else (),
            headers=headers,
            error_code=str(problem.get("error_code") or self.fallback_code.format(status=status_code)),
            status_code=status_code,
        )
        self.type = str(problem.get("type") or "about:blank")
        self.trace_id = _text(problem.get("trace_id"))
        self.rule = _text(problem.get("rule"))
        self.retry_after = _wait(problem.get("retry_after")) or retry_after(self.headers)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _wait(seconds: Any) -> timedelta | None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return timedelta(seconds=seconds) if is_number and 0 <= seconds < 1e9 else None
