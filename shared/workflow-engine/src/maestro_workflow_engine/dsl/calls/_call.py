"""What a call's step is given, and what comes of it: plain JSON, so that history shows what was asked and answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from maestro_workflow_engine.dsl._late import Late


@dataclass(frozen=True)
class Call:
    """The arguments of a call, as the document's `with` has them, evaluated."""

    arguments: dict[str, Any]
    """What the kind of call takes. Authentication by name is replaced by the policy itself."""
    late: list[Late] = field(default_factory=list)
    """What is evaluated inside the step, because it needs secrets or credentials."""
    secrets: list[str] = field(default_factory=list)
    """The secrets that the document may read."""


@dataclass(frozen=True)
class CallOutcome:
    """What came of a call. A call that failed is data too: whether to try again is the document's decision."""

    output: Any = None
    """The task's output; None when the call failed."""
    problem: str | None = None
    """Why the call failed; None when it did not."""
    kind: str = "communication"
    """The standard error type of a call that failed."""
    title: str | None = None
    """A summary of the failure, such as the response's reason phrase."""
    status: int | None = None
    """The status of the failure; None for the type's own."""


class CallFault(Exception):  # noqa: N818  the term of the package for what is wrong
    """A call failed.

    Attributes:
        kind: The standard error type, such as "communication".
        title: A summary; None for the type's own.
        status: The status; None for the type's own.
    """

    def __init__(self, kind: str, detail: str, *, title: str | None = None, status: int | None = None) -> None:
        super().__init__(detail)
        self.kind, self.title, self.status = kind, title, status
