"""What can go wrong in a review."""

from __future__ import annotations


class DependencyReviewError(Exception):
    """Root of this package's errors.

    Attributes:
        code: A stable name for the kind of error.
    """

    code = "DEPENDENCY_REVIEW"


class EnvironmentNotFoundError(DependencyReviewError):
    """None of the folders that were given exists.

    Attributes:
        paths: What was given.
    """

    code = "ENVIRONMENT_NOT_FOUND"

    def __init__(self, paths: list[str]) -> None:
        # The arguments are JSON values, so that the journal can raise the same error again.
        super().__init__(list(paths))
        self.paths = tuple(paths)

    def __str__(self) -> str:
        """Return one readable line."""
        return f"no folder to take inventory of: {', '.join(self.paths)}; give a site-packages folder or a virtual environment"


class DistributionNotFoundError(DependencyReviewError):
    """There is no distribution's metadata at a path.

    Attributes:
        path: What was given.
        reason: Why it is none.
    """

    code = "DISTRIBUTION_NOT_FOUND"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        """Return one readable line."""
        return f"{self.path} is no installed distribution: {self.reason}"


class InvalidExpressionError(DependencyReviewError, ValueError):
    """A text is no SPDX licence expression.

    Attributes:
        expression: The text.
        reason: What is wrong with it.
    """

    code = "INVALID_EXPRESSION"

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(expression, reason)
        self.expression = expression
        self.reason = reason

    def __str__(self) -> str:
        """Return one readable line."""
        return f"{self.expression!r} is no SPDX licence expression: {self.reason}"


class ReportWriteError(DependencyReviewError):
    """The report could not be written. What stood in its place before is untouched.

    Attributes:
        path: The file or folder.
        reason: What the operating system said.
    """

    code = "REPORT_WRITE"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        """Return one readable line."""
        return f"the report cannot be written to {self.path}: {self.reason}"
