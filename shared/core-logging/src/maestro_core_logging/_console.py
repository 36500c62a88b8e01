"""A line as a person likes to read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Final, TextIO
from uuid import UUID

from maestro_core_logging._colours import Colours, wants_colours
from maestro_core_logging._plain import cut
from maestro_core_logging._traceback_text import traceback_lines

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_BARE: Final = re.compile(r"[^\s\"'=\[\]{}]+")
_EVENT_WIDTH: Final = 40
_LEVEL_WIDTH: Final = 8
_MAX_VALUE: Final = 300
_MAX_EVENT: Final = 2_000
_MAX_TRACEBACK_LINE: Final = 1_000
_SHOWN_ELSEWHERE: Final = frozenset({"timestamp", "level", "logger", "event", "exception", "stack", "span_id"})
_PLAINLY_WRITTEN: Final = (date, time, timedelta, Decimal, UUID)


class ConsoleLines:
    """Renders time, level, event, logger and fields in columns; a traceback below.

    What each line would repeat (service, environment, version) and what only machines use (span ids) is left out.

    Args:
        stream: Where lines go: a terminal that shows colours gets them, unless NO_COLOR is set.
        repeated: The keys that each line would repeat, with their values.
    """

    def __init__(self, stream: TextIO | None, repeated: dict[str, Any]) -> None:
        self._colours = Colours(wants_colours(stream))
        self._repeated = repeated

    def __call__(self, line: dict[str, Any]) -> bytes:
        """Render a line.

        Args:
            line: The line.

        Returns:
            UTF-8, with its end.
        """
        colour, level = self._colours, line["level"]
        event = cut(_on_one_line(line["event"]), _MAX_EVENT).ljust(_EVENT_WIDTH)
        parts = [
            colour(line["timestamp"].astimezone().strftime("%H:%M:%S.%f")[:-3], "dim"),
            colour(f"[{level.ljust(_LEVEL_WIDTH)}]", level),
            colour(event, "bold"),
            colour(f"[{_on_one_line(str(line['logger']))}]", "dim"),
        ]
        parts += [
            f"{colour(_on_one_line(key), 'key')}={colour(_value(value), 'value')}"
            for key, value in line.items()
            if key not in _SHOWN_ELSEWHERE and not (key in self._repeated and self._repeated[key] == value)
        ]
        text = "\n".join([" ".join(parts), *self._below(line)])
        return f"{text}\n".encode("utf-8", "backslashreplace")

    def _below(self, line: dict[str, Any]) -> Iterator[str]:
        if stack := line.get("stack"):
            yield from ("Stack (most recent call last):", *map(_on_one_line, str(stack).split("\n")))
        if isinstance(told := line.get("exception"), dict):
            for text, is_library in traceback_lines(told):
                first, *more = text.split("\n")
                # What continues a message is indented, so that it cannot look like a line of the log.
                for part in (first, *(f"    {each}" for each in more)):
                    shown = cut(_on_one_line(part), _MAX_TRACEBACK_LINE)
                    yield self._colours(shown, "dim") if is_library else shown


def _value(value: Any) -> str:
    if isinstance(value, str):
        return cut(value if _BARE.fullmatch(value) and value.isprintable() else repr(value), _MAX_VALUE)
    if isinstance(value, _PLAINLY_WRITTEN):
        return str(value)
    return cut(_on_one_line(repr(value)), _MAX_VALUE)


def _on_one_line(text: str) -> str:
    """Show control characters as escapes, so that what is logged can neither forge lines nor drive the terminal."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
