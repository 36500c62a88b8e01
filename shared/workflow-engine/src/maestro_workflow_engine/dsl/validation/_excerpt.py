"""Showing a fault in the text, as compilers do."""

from __future__ import annotations

import re

from maestro_workflow_engine.dsl._faults import Fault

_WORD = re.compile(r"""'[^']*'|"[^"]*"|[\w$.-]+""")
_WIDTH = 160
"""Longer lines are cut around the fault."""


def excerpt(text: str, fault: Fault) -> str | None:
    """Show the line of a fault with a mark below the word at fault.

    Args:
        text: The document.
        fault: The fault.

    Returns:
        Three lines: an empty margin, the line with its number, the mark; None when the fault has no place in the text.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if fault.line is None or fault.column is None or fault.line > len(lines):
        return None
    line, at = lines[fault.line - 1], fault.column - 1
    word = _WORD.match(line, at)
    length = max(1, len(word.group()) if word else 1)
    start = max(0, at - _WIDTH // 2) if len(line) > _WIDTH else 0
    shown = line[start : start + _WIDTH]
    # Tabs stay tabs below the line, so that the mark stands right however wide they are.
    lead = "".join("\t" if character == "\t" else " " for character in shown[: at - start])
    number = str(fault.line)
    margin = " " * len(number)
    mark = "^" * min(length, max(1, len(shown) - (at - start)))
    return f"{margin} |\n{number} | {shown}\n{margin} | {lead}{mark}"
