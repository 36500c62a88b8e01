"""Bytes of a request, and what stands in them.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request.
"""

import base64
import binascii
import zlib
from enum import StrEnum
from typing import Any, Final, TypeVar

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from telemetry_store.errors import MalformedTelemetryError, TelemetryTooLargeException

_GZIP: Final = 16 + zlib.MAX_WBITS
_MOST_NESTED: Final = 60
# In JSON these are hex digits, where protobuf's own mapping would have base64.
_IDS: Final = {"traceId": 16, "spanId": 8, "parentSpanId": 8}

_M = TypeVar("_M", bound=Message)


class Encoding(StrEnum):
    """How a request is written."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


def unpacked(body: bytes, most: int) -> bytes:
    """Unpack what was packed by gzip.

    Args:
        body: The request's body.
        most: How many bytes may come out of it; a bomb is found out before it is unpacked.

    Returns:
        What was in it.

    Raises:
        MalformedTelemetryError: It is no gzip, or cut off.
        TelemetryTooLargeException: There is more in it.
    """
    unpacking = zlib.decompressobj(_GZIP)
    try:
        text = unpacking.decompress(body, most + 1)
    except zlib.error as error:
        raise MalformedTelemetryError(f"it is not packed by gzip: {error}") from None
    if len(text) > most:
        raise TelemetryTooLargeException(detail=f"unpacked it has more than {most} bytes", limit=most)
    if not unpacking.eof:
        raise MalformedTelemetryError("it is cut off")
    return text


def packed(message: _M, body: bytes, encoding: Encoding) -> _M:
    """Read a request.

    Args:
        message: An empty message of the kind that is expected.
        body: The request.
        encoding: How it is written.

    Returns:
        The message, filled.

    Raises:
        MalformedTelemetryError: It is none.
    """
    try:
        if encoding is Encoding.PROTOBUF:
            message.ParseFromString(body)
        else:
            json_format.ParseDict(_with_ids(orjson.loads(body)), message, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, orjson.JSONDecodeError, RecursionError) as error:
        raise MalformedTelemetryError(str(error)[:300]) from None
    return message


def _with_ids(value: Any, depth: int = 0) -> Any:
    if depth > _MOST_NESTED:
        raise MalformedTelemetryError("it is nested too deep")
    if isinstance(value, list):
        return [_with_ids(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _id(key, item) if key in _IDS else _with_ids(item, depth + 1) for key, item in value.items()}
    return value


def _id(name: str, value: Any) -> str:
    try:
        raw = bytes.fromhex(value)
    except (TypeError, ValueError, binascii.Error):
        raise MalformedTelemetryError(f"{name} must be hex digits") from None
    if len(raw) not in {0, _IDS[name]}:
        raise MalformedTelemetryError(f"{name} must have {2 * _IDS[name]} hex digits")
    return base64.b64encode(raw).decode()
