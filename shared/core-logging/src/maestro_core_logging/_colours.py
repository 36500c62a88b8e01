"""Colours of a terminal, for those who want them."""

from __future__ import annotations

import os
from typing import Any, Final

_CODES: Final = {
    "dim": "2",
    "bold": "1",
    "debug": "2",
    "info": "32",
    "warning": "33",
    "error": "31;1",
    "critical": "37;41;1",
    "key": "36",
    "value": "35",
}


class Colours:
    """Puts text into colours, or leaves it as it is.

    Args:
        are_on: Whether there are any.
    """

    def __init__(self, are_on: bool) -> None:
        self.are_on = are_on

    def __call__(self, text: str, colour: str) -> str:
        """Colour a text.

        Args:
            text: The text.
            colour: A level's name, or "dim", "bold", "key", "value".

        Returns:
            The text between escape sequences, or alone.
        """
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.are_on and colour in _CODES else text


def wants_colours(stream: Any) -> bool:
    """Tell whether a stream shows colours and its reader wants them.

    Args:
        stream: Where text goes; None when nowhere.

    Returns:
        No where `NO_COLOR` is set (no-color.org), yes where `FORCE_COLOR` is; else yes on a terminal that is not dumb.
    """
    environment = os.environ  # noqa: TID251 - a property of the terminal, and no setting of a service
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    if stream is None or environment.get("TERM") == "dumb":
        return False
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False
