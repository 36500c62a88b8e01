"""Reading what comes in: bodies of webhooks as what jq sees. Rules only."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from .errors import DeliveryInvalidError

_NOT_SHOWN: Final = frozenset({
    "authorization", "cookie", "proxy-authorization", "webhook-signature", "x-api-key", "x-hub-signature", "x-hub-signature-256",
})  # fmt: skip
_MOST_HEADERS: Final = 64
_LONGEST_HEADER: Final = 2_048
_DEEPEST: Final = 200
_FORM: Final = "application/x-www-form-urlencoded"


def webhook_message(headers: Mapping[str, str], body: bytes, *, key: str, received_at: datetime) -> dict[str, Any]:
    """Make what jq sees of a request.

    Args:
        headers: Its headers, names in lower case. Credentials and signatures are left out.
        body: Its body.
        key: What the delivery is known by.
        received_at: When it came.

    Returns:
        `{id, received_at, headers, body}`; the body as JSON, as a form's members or as text, and as base64 (`body_base64`) when it
        is none of them.

    Raises:
        DeliveryInvalidError: It says that it is JSON, and is not.
    """
    shown = {name: value[:_LONGEST_HEADER] for name, value in headers.items() if name not in _NOT_SHOWN}
    message: dict[str, Any] = {
        "id": key,
        "received_at": received_at.isoformat(),
        "headers": dict(list(shown.items())[:_MOST_HEADERS]),
    }
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    return {**message, **_body(media, body)}


def _body(media: str, body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        if _is_json(media):
            raise DeliveryInvalidError("the body says that it is JSON, and is not UTF-8") from None
        return {"body": None, "body_base64": base64.b64encode(body).decode()}
    if media == _FORM:
        return {"body": dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1_000))} if text else {"body": {}}
    try:
        return {"body": read_json(text) if text.strip() else None}
    except DeliveryInvalidError:
        if _is_json(media):
            raise
        return {"body": text}


def read_json(text: str | bytes) -> Any:
    """Read JSON as RFC 8259 has it: no NaN, no endless nesting.

    Args:
        text: The text.

    Returns:
        The value.

    Raises:
        DeliveryInvalidError: It is none.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_number)
    except RecursionError:
        raise DeliveryInvalidError("the JSON is nested too deeply") from None
    except ValueError as error:
        raise DeliveryInvalidError(f"the JSON cannot be read: {error}") from error
    if _depth_exceeds(value, _DEEPEST):
        raise DeliveryInvalidError(f"the JSON is nested deeper than {_DEEPEST} levels")
    return value


def _is_json(media: str) -> bool:
    return media in {"application/json", "text/json"} or media.endswith("+json")


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True
