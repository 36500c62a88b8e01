"""What the check says about one line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place in workflow code that would not do the same in every replay."""

    path: str
    """The file, as it was given or found."""

    line: int
    """From 1."""

    column: int
    """In characters, from 1."""

    code: str
    """The rule's code, such as "MWF101"; stable across releases."""

    message: str
    """What is wrong, and what to use instead."""

    workflow: str
    """The workflow function that reaches the place."""

    trail: tuple[str, ...] = ()
    """The functions between the workflow and the place, outermost first; empty when it is in the workflow itself."""

    def __str__(self) -> str:
        way = f" [{' > '.join((self.workflow, *self.trail))}]" if self.trail else ""
        return f"{self.path}:{self.line}:{self.column}: {self.code} {self.message}{way}"
