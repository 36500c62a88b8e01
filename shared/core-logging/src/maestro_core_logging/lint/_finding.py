"""What the check says about one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RULES: Final = {
    "MLG001": "an f-string is logged",
    "MLG002": "an event is put together by +, %, format or join",
    "MLG003": "an event is the text of an object",
}
"""The rules by code; codes are stable across releases."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A call whose event is made anew each time."""

    path: str
    """The file, as it was given or found."""

    line: int
    """From 1."""

    column: int
    """In characters, from 1."""

    code: str
    """The rule's code, such as "MLG001"."""

    message: str
    """What is wrong, and what to write instead."""

    last_line: int
    """Where the call ends, from 1; a comment that silences the rule stands on one of its lines."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.code} {self.message}"
