"""CloudEvents 1.0.2 over HTTP (binary, structured and batched mode), read into their JSON form. Rules only."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from .errors import DeliveryInvalidError
from .messages import read_json

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
_MOST_AT_ONCE: Final = 100
_REQUIRED: Final = ("id", "source", "type")
_TEXTS: Final = frozenset({*_REQUIRED, "subject", "datacontenttype", "dataschema", "time"})
_NAME: Final = re.compile(r"[a-z0-9]{1,100}")
_LONGEST: Final = 4_096


def read_events(headers: Mapping[str, str], body: bytes) -> list[dict[str, Any]]:
    """Read the events of a request.

    Args:
        headers: Its headers, names in lower case.
        body: Its body.

    Returns:
        The events in their JSON form, checked.

    Raises:
        DeliveryInvalidError: It holds none, or one that is wrong.
    """
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == BATCHED:
        found = read_json(body)
        if not isinstance(found, list) or not 1 <= len(found) <= _MOST_AT_ONCE:
            raise DeliveryInvalidError(f"a batch must be a list of 1 to {_MOST_AT_ONCE} events")
        return [checked_event(event) for event in found]
    if media == STRUCTURED:
        return [checked_event(read_json(body))]
    if "ce-id" not in headers and "ce-type" not in headers:
        raise DeliveryInvalidError(
            f"this is no CloudEvent: send {STRUCTURED}, or an event's attributes as ce-… headers (binary mode)"
        )
    event: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if media:
        event["datacontenttype"] = headers["content-type"]
    return [checked_event({**event, **_data(media, body)})]


def checked_event(event: object) -> dict[str, Any]:
    """Check an event.

    Args:
        event: What should be one, in its JSON form.

    Returns:
        The event, attributes that are null left out.

    Raises:
        DeliveryInvalidError: It is none; the message names the attribute.
    """
    if not isinstance(event, dict):
        raise DeliveryInvalidError("an event must be a JSON object")
    checked = {"specversion": "1.0", **{name: value for name, value in event.items() if _is_set(name, value)}}
    if checked["specversion"] != "1.0":
        raise DeliveryInvalidError("specversion must be '1.0'")
    if "data" in checked and "data_base64" in checked:
        raise DeliveryInvalidError("data and data_base64 do not go together")
    for name in _REQUIRED:
        if name not in checked:
            raise DeliveryInvalidError(f"attribute {name!r} is missing")
    for name, value in checked.items():
        if name not in {"data", "data_base64"}:
            _check(name, value)
    if not isinstance(checked.get("data_base64", ""), str):
        raise DeliveryInvalidError("data_base64 must be text")
    return checked


def _is_set(name: str, value: Any) -> bool:
    return value is not None or name == "data"


def _check(name: str, value: Any) -> None:
    if not _NAME.fullmatch(name):
        raise DeliveryInvalidError(f"{name[:100]!r} is no attribute name: use lower-case letters and digits")
    if isinstance(value, str) and len(value) > _LONGEST:
        raise DeliveryInvalidError(f"attribute {name!r} has more than {_LONGEST} characters")
    if name in _TEXTS:
        if not isinstance(value, str) or not value:
            raise DeliveryInvalidError(f"attribute {name!r} must be text that is not empty")
    elif not isinstance(value, str | bool | int):
        raise DeliveryInvalidError(f"attribute {name!r} must be text, true, false or a whole number")
    if name == "time":
        try:
            zoned = datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            zoned = False
        if not zoned:
            raise DeliveryInvalidError("attribute 'time' must be an RFC 3339 time with a zone")


def _data(media: str, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    if media in {"", "application/json"} or media.endswith("+json"):
        return {"data": read_json(body)}
    if media.startswith("text/"):
        try:
            return {"data": body.decode()}
        except UnicodeDecodeError:
            pass
    return {"data_base64": base64.b64encode(body).decode()}
