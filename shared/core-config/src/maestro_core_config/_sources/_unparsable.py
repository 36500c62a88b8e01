"""A text that is not of its format."""

from __future__ import annotations


class UnparsableError(Exception):
    """Raised inside the sources, and turned into a fault by them.

    Attributes:
        message: What is wrong.
        line: Where, counted from 1; None when the parser does not tell.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message, line)
        self.message = message
        self.line = line
