"""A line as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import orjson

_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_MAX_INTEGER: Final = 2**63


def render_json(line: dict[str, Any]) -> bytes:
    """Render a line. It never fails: text that is no Unicode is escaped, and what JSON has no form for is text.

    Args:
        line: The line: plain data.

    Returns:
        One line of UTF-8, with its end.
    """
    if not line["timestamp"].microsecond:
        line = {**line, "timestamp": timestamp_text(line["timestamp"])}  # orjson would leave the fraction out
    try:
        return orjson.dumps(line, _form, _OPTIONS)
    except TypeError:
        # Integers beyond 64 bit, halves of surrogate pairs: rare, so that care may cost.
        return orjson.dumps(careful(line), option=orjson.OPT_APPEND_NEWLINE)


def timestamp_text(moment: datetime) -> str:
    """Return a moment as JSON shows it.

    Args:
        moment: The moment, in UTC.

    Returns:
        Such as "2026-01-02T03:04:05.000006Z": always with six digits, so that text sorts as time does.
    """
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _form(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


def careful(value: Any) -> Any:
    """Make of plain data what every JSON writer takes.

    Args:
        value: Plain data.

    Returns:
        A copy: integers beyond 64 bit are text, text has no halves of surrogate pairs, keys are text.
    """
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -_MAX_INTEGER <= value < _MAX_INTEGER else _long_number(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {careful(str(key)): careful(item) for key, item in value.items()}
    if isinstance(value, list):
        return [careful(item) for item in value]
    if isinstance(value, datetime):
        return timestamp_text(value) if value.tzinfo is not None and not value.utcoffset() else value.isoformat()
    return _form(value)


def _long_number(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to write thousands of digits
        return hex(value)
