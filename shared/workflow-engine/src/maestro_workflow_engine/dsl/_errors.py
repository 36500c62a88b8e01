"""Errors as the specification describes them: problem details (RFC 7807) with standard types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine._errors import WorkflowError

_PREFIX = "https://open-workflow-specification.org/spec/1.0.0/errors/"
_STANDARD = {
    "configuration": 400,
    "validation": 400,
    "expression": 400,
    "authentication": 401,
    "authorization": 403,
    "timeout": 408,
    "communication": 500,
    "runtime": 500,
}
_ALIAS = re.compile(
    r"https://(?:open-workflow-specification\.org|serverlessworkflow\.io)/"
    r"(?:spec/\d+\.\d+\.\d+/errors|(?:dsl/)?errors/types)/(?P<name>[a-z]+)"
)
"""Earlier releases of the text and its conformance features name the standard types under other addresses."""


@dataclass(frozen=True)
class ProblemDetails:
    """An error: what `raise` raises and `catch` catches."""

    type: str
    """URI reference of the kind of error."""
    status: int
    """Status code, as in HTTP."""
    title: str | None = None
    """A short summary; None when there is none."""
    detail: str | None = None
    """What happened this time; None when there is nothing to say."""
    instance: str | None = None
    """JSON Pointer of the task it comes from; None until a task raises it."""

    def as_dict(self) -> dict[str, Any]:
        """Return the error as a JSON object; absent members are left out."""
        members = {
            "type": self.type,
            "status": self.status,
            "title": self.title,
            "detail": self.detail,
            "instance": self.instance,
        }
        return {name: value for name, value in members.items() if value is not None}


class TaskError(WorkflowError):
    """A task raised an error and nothing caught it. A registered step may raise it too, to choose the error itself.

    Attributes:
        error: The error.
    """

    code = "TASK_FAULTED"

    def __init__(self, error: ProblemDetails | Mapping[str, Any]) -> None:
        details = error if isinstance(error, ProblemDetails) else ProblemDetails(**error)
        # The one argument is JSON, so that the journal keeps the whole error and can raise it again.
        super().__init__(details.as_dict())
        self.error = details

    def __str__(self) -> str:
        """Return the error as one line."""
        error = self.error
        told = ": ".join(part for part in (error.title, error.detail) if part) or error.type
        return f"{told} (status {error.status}, {error.type}, raised at {error.instance or '/'})"


def standard_error(
    kind: str, detail: str, instance: str, *, title: str | None = None, status: int | None = None
) -> TaskError:
    """Make an error of a standard type.

    Args:
        kind: The last part of the type's URI, such as "timeout".
        detail: What happened.
        instance: JSON Pointer of the task it happened in.
        title: A short summary. Default: the kind, as a title.
        status: The status code. Default: the type's own.

    Returns:
        The error, to be raised.
    """
    return TaskError(
        ProblemDetails(
            type=_PREFIX + kind,
            status=_STANDARD[kind] if status is None else status,
            title=title or f"{kind.capitalize()} error",
            detail=detail,
            instance=instance,
        )
    )


def same_type(left: str, right: str) -> bool:
    """Tell whether two type URIs mean the same error, under whichever address they name a standard type."""
    return _canonical(left) == _canonical(right)


def _canonical(uri: str) -> str:
    match = _ALIAS.fullmatch(uri)
    return _PREFIX + match["name"] if match and match["name"] in _STANDARD else uri
