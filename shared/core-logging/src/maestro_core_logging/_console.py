"""A line as a person likes to read it."""

from __future__ import annotations

import re
from typing import Any, Final, TextIO

from rich.console import Console
from structlog.dev import ConsoleRenderer

from maestro_core_logging._exceptions import as_text

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_EVENT_WIDTH: Final = 40


class ConsoleLines:
    """Renders time, level, event, fields and logger; a traceback below.

    What each line would repeat (service, environment, version) and what only machines use (span ids) is left out.

    Args:
        stream: Where lines go: a terminal that shows colours gets them, unless NO_COLOR is set.
        repeated: The keys that each line would repeat, with their values.
    """

    def __init__(self, stream: TextIO | None, repeated: dict[str, Any]) -> None:
        terminal = None if stream is None else Console(file=stream)
        is_colourful = terminal is not None and terminal.color_system is not None and not terminal.no_color
        self._repeated = repeated
        self._render = ConsoleRenderer(
            colors=is_colourful, pad_event_to=_EVENT_WIDTH, timestamp_key="timestamp", event_key="event"
        )

    def __call__(self, line: dict[str, Any], error: BaseException | None) -> bytes:
        """Render a line.

        Args:
            line: The line.
            error: The exception that belongs to it.

        Returns:
            UTF-8, with its end.
        """
        shown = {
            key: _on_one_line(value) if isinstance(value, str) else value
            for key, value in line.items()
            if key != "span_id" and not (key in self._repeated and self._repeated[key] == value)
        }
        shown["timestamp"] = line["timestamp"].astimezone().strftime("%H:%M:%S.%f")[:-3]
        text = str(self._render(None, line["level"], shown)).rstrip()
        if error is not None:
            text = f"{text}\n{as_text(error)}"
        return f"{text}\n".encode("utf-8", "backslashreplace")


def _on_one_line(text: str) -> str:
    """Show control characters as escapes, so that what is logged can neither forge lines nor drive the terminal."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
