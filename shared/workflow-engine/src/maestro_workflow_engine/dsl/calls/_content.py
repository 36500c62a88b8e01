"""Bodies in and out: by content type, JSON wherever possible."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from maestro_workflow_engine.dsl._http import HttpRequest, HttpResponse


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
    if isinstance(body, str) and not is_json(media):
        added = {"content-type": "text/plain; charset=utf-8"} if kind is None else {}
        return {**added, **headers}, body.encode()
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return {"content-type": "application/json", **headers} if kind is None else dict(headers), content


def output_of(form: str, request: HttpRequest, response: HttpResponse) -> Any:
    """Make the task's output of a response.

    Args:
        form: "content", "response" or "raw".
        request: What was asked; its credentials are not repeated.
        response: What was answered.

    Returns:
        The content, read by its type; the whole response (DSL 1.0.3, "HTTP Response"); or the bytes in base-64.
    """
    if form == "raw":
        return b64encode(response.content).decode() if response.content else None
    content = decode(response)
    if form == "content":
        return content
    headers = {
        name: value for name, value in request.headers.items() if name.lower() not in {"authorization", "cookie"}
    }
    asked = {"method": request.method.lower(), "uri": request.url, "headers": headers}
    return {"request": asked, "statusCode": response.status, "headers": dict(response.headers), "content": content}


def decode(response: HttpResponse) -> Any:
    """Read a response's content by its type: JSON, text, or base-64 for everything else."""
    kind = next((value for name, value in response.headers.items() if name.lower() == "content-type"), "")
    return decode_content(response.content, kind)


def decode_content(content: bytes, kind: str) -> Any:
    """Read bytes by their content type; None when there are none."""
    if not content:
        return None
    media = kind.partition(";")[0].strip().lower()
    try:
        if is_json(media):
            return json.loads(content, parse_constant=_no_constant)
        if media.startswith("text/") or media.endswith(("xml", "yaml")) or not media:
            return content.decode("utf-8")
    except ValueError:
        pass  # not what its content type says: handed on untouched, as base-64
    return b64encode(content).decode()


def is_json(media: str) -> bool:
    """Tell whether a media type is a kind of JSON."""
    return media == "application/json" or media.endswith("+json")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
