"""What may be told of a statement: its kind, its table, its text without values."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

OPERATIONS: Final = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "CREATE", "ALTER", "DROP", "PRAGMA", "SET"}
)
"""The kinds that metrics tell apart; everything else is `OTHER`."""

_MAX_TEXT: Final = 2_000
_MASK: Final = "?"
_WORD: Final = re.compile(r"\s*([a-zA-Z]+)")
_TABLE: Final = re.compile(r"\b(?:FROM|INTO|UPDATE|TABLE)\s+(?:ONLY\s+)?\"?([\w.]+)\"?", re.IGNORECASE)
# Comments, dollar-quoted and quoted texts, names in double quotes (kept), numbers that are no part of a name or of `$1`.
# A backslash escapes in E'…' alone: elsewhere it would take the closing quote along, and show what follows.
_LITERAL: Final = re.compile(
    r"--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$"
    r"|(?<![\w$])[eE]'(?:[^'\\]|''|\\.)*'?|(?:(?<![\w$])[xXbB])?'(?:[^']|'')*'?"
    r"|(?P<name>\"(?:[^\"]|\"\")*\"?)|(?<![\w$\"?:])(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class StatementSummary:
    """A statement, as far as telemetry may know it."""

    operation: str
    """One of `OPERATIONS`, or `OTHER`."""
    table: str | None
    """The first table that it names."""
    text: str
    """The statement, its values left out, at most 2,000 characters of it."""

    @property
    def name(self) -> str:
        """What a span is called: `SELECT orders`."""
        return self.operation if self.table is None else f"{self.operation} {self.table}"


@lru_cache(maxsize=1_024)
def summary(statement: str) -> StatementSummary:
    """Tell what may be told of a statement.

    Args:
        statement: SQL, parameters apart from it.

    Returns:
        Its kind, table and text; values that are written into it are replaced by `?`.
    """
    word = _WORD.match(statement)
    operation = word[1].upper() if word else "OTHER"
    if operation not in OPERATIONS:
        operation = "OTHER"
    text = _LITERAL.sub(lambda found: found["name"] or _MASK, statement).strip()
    table = _TABLE.search(text)
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT] + "…"
    return StatementSummary(operation, table[1] if table else None, text)
