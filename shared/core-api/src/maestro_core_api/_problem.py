"""RFC 9457 problem documents: their shape, and how an exception becomes one."""

import json
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Scope

from maestro_core_monitoring import current_trace_id

from ._exceptions import APIException, RemoteAPIException
from ._request_info import request_info

MEDIA_TYPE: Final = "application/problem+json"
_PATH: Final = "/!$&'()*+,;=:@~"
_RESERVED: Final = frozenset({"type", "title", "status", "detail", "instance", "error_code", "trace_id", "errors"})

# Python 3.13 took over the names of RFC 9110; codes that callers branch on must not depend on the interpreter.
_RENAMED: Final = {
    413: ("CONTENT_TOO_LARGE", "Content Too Large"),
    414: ("URI_TOO_LONG", "URI Too Long"),
    416: ("RANGE_NOT_SATISFIABLE", "Range Not Satisfiable"),
    422: ("UNPROCESSABLE_CONTENT", "Unprocessable Content"),
}


class ProblemItem(BaseModel):
    """One fault in the request."""

    path: str = Field(description="Where: `body.items[0].name`, `query.limit`.")
    message: str = Field(description="What is wrong there.")


class ProblemDetails(BaseModel):
    """The shape of every error answer (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="URN of the kind of error.")
    title: str = Field(description="Summary of the kind of error.")
    status: int = Field(description="HTTP status.")
    detail: str | None = Field(default=None, description="What happened this time.")
    instance: str = Field(description="Path of the request.")
    error_code: str = Field(description="Stable identifier to branch on.")
    trace_id: str | None = Field(default=None, description="Finds the logs and spans of this request.")
    errors: list[ProblemItem] | None = Field(default=None, description="Faults in the request itself.")
    rule: str | None = Field(
        default=None, description="Rule that refused the request: `role:operator`, `token-not-expired`."
    )
    limit: int | None = Field(default=None, description="How much the rule allows.")
    retry_after: int | None = Field(default=None, description="Seconds after which it is worth trying again.")


def problem_document(error: APIException, *, instance: str, trace_id: str | None) -> dict[str, Any]:
    """Return the problem document for an error.

    Args:
        error: What went wrong.
        instance: Path of the request.
        trace_id: Trace of the request; None outside of any.

    Returns:
        The members of the document; `detail` and `errors` only when there are any.
    """
    document: dict[str, Any] = {
        "type": f"urn:maestro:error:{error.error_code.lower().replace('_', '-')}",
        "title": error.message,
        "status": error.status_code,
    }
    if error.detail is not None:
        document["detail"] = error.detail
    document |= {"instance": instance, "error_code": error.error_code, "trace_id": trace_id}
    if error.errors:
        document["errors"] = [dict(item) for item in error.errors]
    document |= {name: value for name, value in error.extra.items() if name not in _RESERVED}
    return document


def problem_response(error: APIException, scope: Scope) -> Response:
    """Return the HTTP answer for an error, and note its code and its rule for metrics and the access log.

    It is a problem document whatever the request's `Accept` says, as RFC 9110, 12.5.1 allows: an error that says what is wrong
    serves everybody better than a 406.

    Args:
        error: What went wrong.
        scope: ASGI scope of the request.

    Returns:
        The answer, ready to be sent.
    """
    if isinstance(error, RemoteAPIException):
        error = _as_own(error)
    info = request_info(scope)
    info.error_code = error.error_code
    rule = error.extra.get("rule")
    if isinstance(rule, str):
        info.rule = rule
    # RFC 9457, 3.1.5 wants a URI reference; a path may hold what no address may.
    document = problem_document(error, instance=quote(scope["path"], safe=_PATH), trace_id=current_trace_id())
    # Half of a surrogate pair in a text cannot be sent; everything else can.
    body = json.dumps(document, default=str, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Response(body, status_code=error.status_code, headers=error.headers, media_type=MEDIA_TYPE)


def status_error(status_code: int, *, detail: str | None = None, headers: dict[str, str] | None = None) -> APIException:
    """Return the error for a bare HTTP status.

    Args:
        status_code: HTTP status, 400 and above.
        detail: What happened this time.
        headers: Headers of the answer.

    Returns:
        An error whose code and message are the status's standard name and phrase.
    """
    try:
        name, phrase = _RENAMED.get(status_code) or (HTTPStatus(status_code).name, HTTPStatus(status_code).phrase)
    except ValueError:
        name, phrase = "ERROR", "Error"
    if detail == phrase:
        detail = None
    return APIException(phrase, detail=detail, headers=headers, error_code=name, status_code=status_code)


def _as_own(error: RemoteAPIException) -> APIException:
    return APIException(
        "A service that is needed refused the request",
        detail=f"{error.target} answered {error.status_code} {error.error_code}: {error}",
        status_code=502,
        error_code="UPSTREAM_ERROR",
        upstream={"target": error.target, "status": error.status_code, "error_code": error.error_code},
    )
