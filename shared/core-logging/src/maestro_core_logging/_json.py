"""A line as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from maestro_core_logging._exceptions import described
from maestro_core_logging._masking import masked

# Dataclasses are passed to `_plain`, because orjson would write their secrets.
_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS
_MAX_INTEGER: Final = 2**63


def render_json(line: dict[str, Any], error: BaseException | None) -> bytes:
    """Render a line. It never fails: a value without a JSON form is shown by its repr.

    Args:
        line: The line.
        error: The exception that belongs to it.

    Returns:
        One line of UTF-8, with its end.
    """
    if error is not None:
        line["exception"] = described(error)
    if not line["timestamp"].microsecond:
        line["timestamp"] = timestamp_text(line["timestamp"])  # orjson would leave the fraction out
    try:
        return orjson.dumps(line, _plain, _OPTIONS)
    except TypeError:
        # Keys that are no text, integers beyond 64 bit, halves of surrogate pairs: rare, so that care may cost.
        return orjson.dumps(_careful(line), option=orjson.OPT_APPEND_NEWLINE)


def timestamp_text(moment: datetime) -> str:
    """Return a moment as JSON shows it.

    Args:
        moment: The moment, in UTC.

    Returns:
        Such as "2026-01-02T03:04:05.000006Z": always with six digits, so that text sorts as time does.
    """
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _plain(value: Any) -> Any:
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return masked(dump(mode="json", fallback=repr))
    if is_dataclass(value) and not isinstance(value, type):
        return masked({field.name: getattr(value, field.name) for field in fields(value)})
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, (set, frozenset, tuple)):
        return masked(list(value))
    if isinstance(value, timedelta):
        return value.total_seconds()
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return str(value)


def _careful(value: Any) -> Any:
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return int(value) if -_MAX_INTEGER <= value < _MAX_INTEGER else str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_careful(key if isinstance(key, str) else str(key)): _careful(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_careful(item) for item in value]
    try:
        return _careful(_plain(value))
    except Exception as failure:  # noqa: BLE001 - an object that cannot be shown must not stop whoever logs it
        return f"<{type(value).__name__} that cannot be shown: {type(failure).__name__}>"
