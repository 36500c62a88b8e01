"""The same check inside flake8, which finds it by an entry point and does the silencing itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import version

from maestro_core_logging.lint._source import findings_in


class Flake8Checker:
    """flake8's plugin for MLG001 and its siblings.

    Args:
        tree: The module.
        lines: Its lines.
        filename: What findings call it.
    """

    name = "maestro-core-logging"
    version = version("maestro-core-logging")

    def __init__(self, tree: ast.Module, lines: list[str], filename: str = "<string>") -> None:
        self._tree = tree
        self._lines = lines
        self._path = filename

    def run(self) -> Iterator[tuple[int, int, str, type[Flake8Checker]]]:
        """Check the module.

        Yields:
            Line from 1, column from 0, code and message, this class.
        """
        for finding in sorted(findings_in(self._tree, self._lines, self._path)):
            yield finding.line, finding.column - 1, f"{finding.code} {finding.message}", type(self)
