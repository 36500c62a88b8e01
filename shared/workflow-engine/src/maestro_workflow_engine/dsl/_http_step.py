"""The step behind `call: http`: plain JSON in and out, so that history shows what was asked and answered."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine.dsl._http import HttpCaller, HttpCallError, HttpRequest, HttpResponse

_EXCERPT = 500
"""How much of an error answer's body is told in the error, in characters."""


@dataclass(frozen=True)
class HttpCall:
    """The arguments of `call: http`, evaluated."""

    method: str
    uri: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    output: str = "content"
    """What the task outputs: "content", "response" or "raw"."""
    redirect: bool = False
    """Whether redirections are followed and 3xx is no error."""


@dataclass(frozen=True)
class HttpOutcome:
    """What came of a call. A call that failed is data too: whether to try again is the document's decision."""

    status: int | None = None
    """The response's status; None when there was no response."""
    output: Any = None
    """The task's output; None when the call failed."""
    problem: str | None = None
    """Why the call failed; None when it did not."""
    title: str | None = None
    """The response's reason phrase, when the call failed with a response."""


HttpStep = StepDefinition[[HttpCall], HttpOutcome]


def http_step(caller: HttpCaller) -> HttpStep:
    """Make the step that performs HTTP calls.

    Args:
        caller: What sends the requests.

    Returns:
        The step, named "http". It is never retried by itself: documents say `try` and `retry`.
    """

    async def http(call: HttpCall) -> HttpOutcome:
        headers, content = encode_body(call.headers, call.body)
        request = HttpRequest(call.method.upper(), call.uri, headers, content, call.redirect)
        try:
            response = await caller.call(request)
        except HttpCallError as error:
            return HttpOutcome(problem=f"{request.method} {request.url} got no answer: {error}")
        if not 200 <= response.status < (400 if call.redirect else 300):
            told = response.content[: 4 * _EXCERPT].decode("utf-8", "replace")[:_EXCERPT].strip()
            problem = f"{request.method} {request.url} answered {response.status} {response.reason}".rstrip()
            return HttpOutcome(
                response.status, problem=f"{problem}: {told}" if told else problem, title=response.reason or None
            )
        return HttpOutcome(response.status, _output(call, request, response))

    return StepDefinition(http, name="http")


def encode_body(headers: Mapping[str, str], body: Any) -> tuple[dict[str, str], bytes]:
    """Turn a body into bytes, as its content type says.

    Args:
        headers: The request's headers.
        body: Any JSON value; None for no body.

    Returns:
        The headers, with a content type when there is a body, and the bytes: text as it is, a form for
        `application/x-www-form-urlencoded`, JSON for everything else.
    """
    if body is None:
        return dict(headers), b""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    media = (kind or "").partition(";")[0].strip().lower()
    if media == "application/x-www-form-urlencoded" and isinstance(body, dict):
        return dict(headers), urlencode(body, doseq=True).encode()
    if isinstance(body, str) and not _is_json(media):
        return {"content-type": "text/plain; charset=utf-8", **headers} if kind is None else dict(
            headers
        ), body.encode()
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return {"content-type": "application/json", **headers} if kind is None else dict(headers), content


def _output(call: HttpCall, request: HttpRequest, response: HttpResponse) -> Any:
    if call.output == "raw":
        return b64encode(response.content).decode() if response.content else None
    content = _decode(response)
    if call.output == "content":
        return content
    asked = {"method": call.method.lower(), "uri": request.url, "headers": _without_credentials(request.headers)}
    return {"request": asked, "statusCode": response.status, "headers": dict(response.headers), "content": content}


def _decode(response: HttpResponse) -> Any:
    if not response.content:
        return None
    kind = next((value for name, value in response.headers.items() if name.lower() == "content-type"), "")
    media = kind.partition(";")[0].strip().lower()
    try:
        if _is_json(media):
            return json.loads(response.content, parse_constant=_no_constant)
        if media.startswith("text/") or media.endswith(("xml", "yaml")) or not media:
            return response.content.decode("utf-8")
    except ValueError:
        pass  # not what its content type says: handed on untouched, as base-64
    return b64encode(response.content).decode()


def _is_json(media: str) -> bool:
    return media == "application/json" or media.endswith("+json")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _without_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "authorization"}
