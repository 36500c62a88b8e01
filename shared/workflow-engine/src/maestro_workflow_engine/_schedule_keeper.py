"""What an engine needs of whatever keeps its schedules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import WorkflowError
from maestro_workflow_engine._schedule_records import ScheduleInfo
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap


class ScheduleNotFoundError(WorkflowError):
    """There is no such schedule.

    Attributes:
        schedule_id: The id that was asked for.
    """

    code = "SCHEDULE_NOT_FOUND"

    def __init__(self, schedule_id: str) -> None:
        super().__init__(f"there is no schedule {schedule_id!r}")
        self.schedule_id = schedule_id


class ScheduleKeeper(Protocol):
    """Keeps schedules. What is asked of one that is not there raises ScheduleNotFoundError."""

    async def put(
        self,
        schedule_id: str,
        definition: WorkflowDefinition[..., object],
        version: str | None,
        input_: msgspec.Raw,
        *,
        spec: CronSpec | IntervalSpec,
        overlap: Overlap,
        catch_up: timedelta,
        jitter: timedelta,
        paused: bool,
        queue: str | None = None,
        priority: int = 5,
    ) -> None:
        """Make a schedule, or change the one that has this id; `paused` counts for a new one only."""

    async def update(
        self,
        schedule_id: str,
        *,
        spec: CronSpec | IntervalSpec | None,
        overlap: Overlap | None,
        catch_up: timedelta | None,
        jitter: timedelta | None,
    ) -> None:
        """Change what is not None."""

    async def pause(self, schedule_id: str, note: str) -> None:
        """Start nothing from now on."""

    async def resume(self, schedule_id: str) -> None:
        """Go on with the next time."""

    async def trigger(self, schedule_id: str) -> str:
        """Start a run now; return its id."""

    async def backfill(self, schedule_id: str, start: datetime, end: datetime) -> list[str]:
        """Start a run for each past time from start up to, and without, end; return their ids."""

    async def delete(self, schedule_id: str) -> None:
        """Forget a schedule; its runs go on."""

    async def describe(self, schedule_id: str) -> ScheduleInfo:
        """Return a schedule in full."""

    async def listing(self, limit: int | None, after: str | None) -> list[ScheduleInfo]:
        """Return schedules by id, those that come after an id; None for no limit, and for the beginning."""
