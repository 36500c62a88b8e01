"""Times as a person gives them on the command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_LENGTH: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhdw]?)")
_LONGEST_S: Final = 100 * 366 * 86_400.0


class Length(click.ParamType[timedelta]):
    """A length of time: `90`, `90s`, `15m`, `2h`, `3d`, `1w`, or several as in `1h30m`."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it."""
        if isinstance(value, timedelta):
            return value
        length = read_length(str(value))
        if length is None:
            self.fail(f"{value!r} is no length of time: write it as 90s, 15m, 2h, 3d, 1w or 1h30m", param, ctx)
        return length


class ClockTime(click.ParamType[datetime]):
    """A time: ISO 8601, local unless it has a zone."""

    name = "time"
    hint = "write it as 2026-05-04, 2026-05-04T13:02 or 2026-05-04T13:02:00Z"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(str(value)).astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: {self.hint}", param, ctx)


class Moment(ClockTime):
    """A time as `ClockTime` reads it; or a length of time, meaning that long ago."""

    hint = f"{ClockTime.hint}, or say how long ago: 15m, 2h, 3d"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        length = read_length(value) if isinstance(value, str) else None
        return super().convert(value, param, ctx) if length is None else datetime.now(UTC) - length


def read_length(text: str) -> timedelta | None:
    """Read a length of time.

    Args:
        text: For example "1h30m"; a number alone counts seconds.

    Returns:
        The length, at most a hundred years; None when it is none.
    """
    parts = list(_LENGTH.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        return None
    if len(parts) > 1 and not all(part.group(2) for part in parts):
        return None
    seconds = sum(float(part.group(1)) * _UNITS[part.group(2) or "s"] for part in parts)
    return timedelta(seconds=seconds) if seconds <= _LONGEST_S else None


def time_text(text: str) -> str | None:
    """Tell a time with a zone from other text.

    Args:
        text: Any text.

    Returns:
        The time in ISO 8601; None when it is none.
    """
    if "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.isoformat() if moment.tzinfo else None
