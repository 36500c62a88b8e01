"""The check of one text."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from maestro_core_logging.lint._events import fault_of
from maestro_core_logging.lint._finding import Finding
from maestro_core_logging.lint._loggers import Loggers
from maestro_core_logging.lint._scopes import calls_by_scope
from maestro_core_logging.lint._suppressions import Suppressions


def lint_source(text: str, path: str = "<string>") -> list[Finding]:
    """Check one text. Nothing is imported or run.

    Args:
        text: Python.
        path: What findings call it.

    Returns:
        The findings by line, without those that a comment silences; empty when there are none.

    Raises:
        SyntaxError: The text is no Python.
    """
    found = list(findings_in(ast.parse(text), text.splitlines(), path))
    if not found:
        return []
    suppressions = Suppressions(text)
    return sorted(each for each in found if not suppressions.cover(each))


def findings_in(tree: ast.Module, lines: list[str], path: str) -> Iterator[Finding]:
    """Yield what is found in a module, silenced or not.

    Args:
        tree: The module.
        lines: Its text, for columns in characters.
        path: What findings call it.

    Yields:
        Findings, in no order.
    """
    loggers = Loggers(tree)
    for call, assigned in calls_by_scope(tree):
        event = loggers.event_of(call)
        fault = fault_of(event, assigned) if event is not None else None
        if event is None or fault is None:
            continue
        begin = lines[event.lineno - 1].encode()[: event.col_offset].decode(errors="replace")
        yield Finding(path, event.lineno, len(begin) + 1, fault[0], fault[1], call.end_lineno or event.lineno)
