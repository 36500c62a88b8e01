"""AsyncAPI messages: payload, headers and correlation id, in and out."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.dsl.calls._asyncapi_document import Target
from maestro_workflow_engine.dsl.calls._content import decode_content, encode_body, is_json
from maestro_workflow_engine.dsl.calls._http import texts

_CORRELATION_HEADERS = ("correlationid", "correlation-id", "x-correlation-id")


def outbound(message: Mapping[str, Any], target: Target) -> tuple[dict[str, str], bytes]:
    """Write a message.

    Args:
        message: Its `payload` and `headers`.
        target: Says how payloads are written.

    Returns:
        The headers and the payload's bytes; without a payload, none.
    """
    headers = texts(message.get("headers"), "message's headers")
    return headers, encode_body({"content-type": target.content_type}, message.get("payload"))[1]


def inbound(content: bytes, headers: Mapping[str, str], target: Target) -> dict[str, Any]:
    """Read a message (DSL 1.0.3, "AsyncAPI Inbound Message").

    Args:
        content: The payload's bytes.
        headers: The headers that came along.
        target: Says how payloads are written, and where the correlation id is.

    Returns:
        `payload`, `headers`, and `correlationId` where there is one.
    """
    payload = _payload(content, target.content_type)
    message: dict[str, Any] = {"payload": payload, "headers": dict(headers)}
    correlation = _correlation(payload, headers, target.correlation)
    return message if correlation is None else {**message, "correlationId": correlation}


def _payload(content: bytes, kind: str) -> Any:
    if not content:
        return None
    if not is_json(kind.partition(";")[0].strip().lower()):
        return decode_content(content, kind)
    try:
        return json.loads(content)
    except ValueError:
        pass  # a sender that does not keep to its document; text is of more use than nothing
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return b64encode(content).decode()


def _correlation(payload: Any, headers: Mapping[str, str], location: str | None) -> Any:
    if location is None:
        return next((value for name, value in headers.items() if name.lower() in _CORRELATION_HEADERS), None)
    source, _, pointer = location.partition("#")
    found: Any = headers if source.endswith("header") else payload
    for step in pointer.strip("/").split("/") if pointer.strip("/") else []:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = next(
                (
                    value
                    for name, value in found.items()
                    if name == key or (found is headers and name.lower() == key.lower())
                ),
                None,
            )
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found
