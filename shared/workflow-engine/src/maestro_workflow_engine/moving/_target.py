"""The engine that takes over, as a move sees it."""

from __future__ import annotations

from typing import Protocol

from maestro_workflow_engine._errors import WorkflowError
from maestro_workflow_engine.moving._departing_schedules import DepartingSchedule
from maestro_workflow_engine.moving._families import Member


class RefusedError(WorkflowError):
    """The target does not take a run or schedule, now or later; it has nothing of it."""

    code = "MOVE_REFUSED"


class Target(Protocol):
    """Takes runs and schedules. What it has taken it takes again without doing anything."""

    url: str
    """Its URL, without options that name files."""

    async def judge(self, member: Member, *, is_first: bool, is_under_way: bool) -> None:
        """Add to the reasons why a run cannot move, and to the notes about what will be different.

        Args:
            member: The run.
            is_first: Whether it is the first of its family.
            is_under_way: Whether the target may have it already.
        """

    async def take(self, family: Member) -> None:
        """Make a run and its children go on there.

        Raises:
            RefusedError: It has nothing of them, and will not.
            WorkflowError: It is not known whether it has them; ask again.
        """

    async def judge_schedule(self, schedule: DepartingSchedule, *, is_under_way: bool) -> tuple[list[str], list[str]]:
        """Return why a schedule cannot move, and what will be different."""

    async def take_schedule(self, schedule: DepartingSchedule) -> None:
        """Keep a schedule.

        Raises:
            RefusedError: It has nothing of it, and will not.
            WorkflowError: It is not known whether it has it; ask again.
        """
