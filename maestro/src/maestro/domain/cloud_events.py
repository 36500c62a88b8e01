"""CloudEvents as HTTP carries them: structured, batched and binary mode.

Source: HTTP Protocol Binding for CloudEvents 1.0.2, section 3.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import msgspec

from maestro.domain.errors import Fault, InvalidRequestError
from maestro_workflow_engine import CloudEventError, cloud_event

_PREFIX = "ce-"
_STRUCTURED = "application/cloudevents"
_BATCH = "application/cloudevents-batch"


def read_events(headers: Iterable[tuple[str, str]], body: bytes) -> list[dict[str, Any]]:
    """Read the events of a request.

    Args:
        headers: Its headers.
        body: Its body.

    Returns:
        The events in their JSON form, checked: one, or those of a batch.

    Raises:
        InvalidRequestError: It holds no event; of a batch, the first one at fault is named.
    """
    named = {name.lower(): value for name, value in headers}
    content_type = named.get("content-type", "")
    media = content_type.partition(";")[0].strip().lower()
    if media.startswith(_BATCH):
        return _batch(_json(body, media))
    if media.startswith(_STRUCTURED):
        return [_checked(_json(body, media), "body")]
    if f"{_PREFIX}type" not in named and f"{_PREFIX}id" not in named:
        message = (
            f"is {content_type or 'missing'!r}, and there are no ce-… headers: send application/cloudevents+json, "
            "application/cloudevents-batch+json, or the attributes in headers (binary mode)"
        )
        raise InvalidRequestError(Fault("content-type", message))
    return [_checked(_binary(named, content_type, body), "headers")]


def _batch(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        raise InvalidRequestError(Fault("body", "must be a list of events"))
    return [_checked(event, f"body/{index}") for index, event in enumerate(found)]


def _binary(headers: dict[str, str], content_type: str, body: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {
        name.removeprefix(_PREFIX): unquote(value) for name, value in headers.items() if name.startswith(_PREFIX)
    }
    if content_type:
        event["datacontenttype"] = content_type
    if not body:
        return event
    media = content_type.partition(";")[0].strip().lower()
    if not media or media == "application/json" or media.endswith("+json"):
        event["data"] = _json(body, media or "application/json")
    elif content_type.partition("/")[0].strip().lower() == "text":
        event.update(_text(body))
    else:
        event["data_base64"] = base64.b64encode(body).decode()
    return event


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"data": body.decode()}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(body).decode()}


def _json(body: bytes, media: str) -> Any:
    if not media.endswith("json"):
        raise InvalidRequestError(Fault("content-type", f"{media!r} is no JSON; events are read in their JSON form"))
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidRequestError(Fault("body", f"is no JSON: {error}")) from error


def _checked(found: Any, place: str) -> dict[str, Any]:
    if isinstance(found, dict) and "specversion" not in found:
        raise InvalidRequestError(Fault(f"{place}/specversion", "is missing"))
    try:
        return cloud_event(found)
    except CloudEventError as error:
        path = f"{place}/{error.attribute}" if error.attribute else place
        raise InvalidRequestError(Fault(path, error.reason)) from error
