"""What an engine's runner knows of queues."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import msgspec

from maestro_workflow_engine._queue import Queue


class QueueInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as it stands.

    Attributes:
        name: Its name.
        queue: Its declaration; None when runs wait in a queue that is not declared any more.
        paused: Whether it lets nothing begin.
        note: Why it was paused, as given.
        running: How many of its runs have begun and not ended.
        waiting: How many stand in line.
        delayed: How many stand apart: not due yet, behind a run of their singleton key, or without a registered workflow.
        held: How many somebody paused while they waited.
        waiting_by_priority: How many stand in line, by priority.
        waiting_by_tenant: The same by tenant; "" for those without.
        running_by_tenant: How many have begun, by tenant.
        oldest_wait: How long the one has waited that stands in line longest; None when nobody does.
        problem: Why it cannot go on, in words; None when nothing is wrong.
    """

    name: str
    queue: Queue | None
    paused: bool
    note: str
    running: int
    waiting: int
    delayed: int
    held: int
    waiting_by_priority: dict[int, int]
    waiting_by_tenant: dict[str, int]
    running_by_tenant: dict[str, int]
    oldest_wait: timedelta | None
    problem: str | None

    @property
    def depth(self) -> int:
        """How many have not begun."""
        return self.waiting + self.delayed + self.held


class QueueKeeper(Protocol):
    """Queues as a runner keeps them."""

    def declare(self, queue: Queue) -> None:
        """Add a queue, or change the limits of the one of this name."""

    def describe(self, name: str) -> QueueInfo:
        """Return a queue as it stands."""

    def listing(self) -> list[QueueInfo]:
        """Return every queue, by name."""

    async def pause(self, name: str, note: str) -> None:
        """Let nothing begin; returns once that is kept."""

    async def resume(self, name: str) -> None:
        """Let runs begin again; returns once that is kept."""
