"""Queues as users declare them: how many runs at once, how many in a time, and for whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from maestro_workflow_engine._errors import WorkflowDefinitionError, WorkflowError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}\Z")
_SHORTEST = timedelta(milliseconds=1)


class QueueNotFoundError(WorkflowError, LookupError):
    """No queue of this name is declared.

    Attributes:
        name: What was asked for.
        declared: The queues there are.
    """

    code: ClassVar[str] = "QUEUE_NOT_FOUND"

    def __init__(self, name: str, declared: tuple[str, ...]) -> None:
        there = ", ".join(declared) or "none"
        super().__init__(
            f"there is no queue {name!r}; declared are {there}. Declare it: WorkflowEngine(..., queues=[Queue({name!r})])"
        )
        self.name = name
        self.declared = declared


@dataclass(frozen=True, slots=True)
class Rate:
    """How many runs of a queue may begin in any stretch of time: a sliding window.

    Raises:
        WorkflowDefinitionError: A value is too low.
    """

    count: int
    """How many, 1 or more."""

    per: timedelta
    """In what time, 1 ms or more."""

    def __post_init__(self) -> None:
        if self.count < 1 or self.per < _SHORTEST:
            raise WorkflowDefinitionError("a rate needs a count of 1 or more, per 1 ms or more")


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: runs that are started in it begin as its limits allow.

    Of those that wait, the lowest priority number begins first; within a priority tenants take turns; a tenant's own runs begin in
    the order in which they came.

    Raises:
        WorkflowDefinitionError: The name is none, or a limit is below 1.
    """

    name: str
    """Up to 100 letters, digits and `. _ : / -`."""

    concurrency: int | None = None
    """How many of its runs may have begun and not ended, paused and stuck ones included. Default: any number."""

    per_tenant: int | None = None
    """The same for each tenant; runs without a tenant count as those of one. Default: any number."""

    rate: Rate | None = None
    """How many may begin in a time. Default: any number."""

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise WorkflowDefinitionError(
                f"{self.name!r} is no queue name: use up to 100 letters, digits and . _ : / -"
            )
        for limit in (self.concurrency, self.per_tenant):
            if limit is not None and limit < 1:
                raise WorkflowDefinitionError(
                    f"queue {self.name!r}: a limit is 1 or more; to let nothing begin, pause it"
                )
