"""A file that cannot be checked."""

from __future__ import annotations

from maestro_workflow_engine._errors import WorkflowError


class LintSourceError(WorkflowError):
    """A file could not be read, or is no Python.

    Attributes:
        path: The file.
        reason: What is wrong with it.
        line: Where, from 1; None when the file could not be read at all.
        column: Where, from 1; None as above.
    """

    code = "LINT_SOURCE_INVALID"

    def __init__(self, path: str, reason: str, line: int | None = None, column: int | None = None) -> None:
        place = path if line is None else f"{path}:{line}:{column or 1}"
        super().__init__(f"{place}: {reason}")
        self.path = path
        self.reason = reason
        self.line = line
        self.column = column
