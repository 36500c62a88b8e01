"""How a consumed event is read: its data, its envelope, or its data as it was sent (DSL 1.0.3, "Listen")."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import msgspec

READS = ("data", "envelope", "raw")
_JSON = ("application/json", "text/json")


def read_event(event: Mapping[str, Any], read: str) -> Any:
    """Read an event.

    Args:
        event: The event in its JSON form.
        read: One of `READS`.

    Returns:
        Of "data" the data as a JSON value, None without data; bytes that are JSON by their content type are read as such,
        others stay base64 text. Of "envelope" the whole event. Of "raw" the data as text: JSON as it is written, text as
        it is, and bytes as the text that they are in UTF-8, or as base64 where they are none.
    """
    match read:
        case "envelope":
            return dict(event)
        case "raw":
            return _raw(event)
        case _:
            return _data(event)


def is_json(content_type: str | None) -> bool:
    """Tell whether data of a content type is JSON; without one it is."""
    kind = (content_type or _JSON[0]).partition(";")[0].strip().lower()
    return kind in _JSON or kind.endswith("+json")


def _data(event: Mapping[str, Any]) -> Any:
    encoded = event.get("data_base64")
    if encoded is None:
        return event.get("data")
    try:
        return msgspec.json.decode(b64decode(encoded)) if is_json(event.get("datacontenttype")) else encoded
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        return encoded


def _raw(event: Mapping[str, Any]) -> Any:
    encoded = event.get("data_base64")
    if encoded is not None:
        try:
            return b64decode(encoded).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return encoded
    data = event.get("data")
    if data is None or (isinstance(data, str) and not is_json(event.get("datacontenttype"))):
        return data
    return msgspec.json.encode(data).decode()
