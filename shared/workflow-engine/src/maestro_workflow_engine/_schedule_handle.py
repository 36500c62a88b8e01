"""A handle on a schedule."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from maestro_workflow_engine._handle import WorkflowHandle
from maestro_workflow_engine._runner import Runner
from maestro_workflow_engine._schedule_records import ScheduleInfo
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap


class ScheduleHandle:
    """Refers to one schedule by its id; it holds no resources. Every method raises ScheduleNotFoundError when there is none.

    Attributes:
        id: The schedule's id.
    """

    def __init__(self, runner: Runner, schedule_id: str) -> None:
        self.id = schedule_id
        self._runner = runner

    async def describe(self) -> ScheduleInfo:
        """Return the schedule in full: its settings, its next times, its last runs, what it missed.

        Raises:
            ScheduleNotFoundError: No such schedule.
        """
        return await self._runner.schedules.describe(self.id)

    async def pause(self, note: str = "") -> None:
        """Start nothing from now on. Runs that are under way go on; times that pass meanwhile are left out.

        Args:
            note: Why; kept until it is resumed.

        Raises:
            ScheduleNotFoundError: No such schedule.
            JournalWriteError: It cannot be kept at the moment; the schedule goes on.
        """
        await self._runner.schedules.pause(self.id, note)

    async def resume(self) -> None:
        """Go on with the next time.

        Raises:
            ScheduleNotFoundError: No such schedule.
            JournalWriteError: It cannot be kept at the moment; the schedule stays paused.
        """
        await self._runner.schedules.resume(self.id)

    async def trigger(self) -> WorkflowHandle[Any]:
        """Start a run now, paused or not and whatever the overlap policy says; returns once it is kept.

        Returns:
            A handle on the run. Until it has ended the overlap policy counts it like any other.

        Raises:
            ScheduleNotFoundError: No such schedule.
            WorkflowNotFoundError: The workflow is not registered.
            JournalWriteError: It cannot be kept at the moment; nothing was started.
        """
        return WorkflowHandle(self._runner, await self._runner.schedules.trigger(self.id))

    async def backfill(self, start: datetime, end: datetime) -> list[WorkflowHandle[Any]]:
        """Start a run for each past time of a range, all at once; returns once they are kept.

        A time that has its run already keeps that one, so a backfill can be repeated. The overlap policy does not count them.

        Args:
            start: The first time, aware.
            end: Where to stop, aware; this time itself is left out. It must not lie in the future.

        Returns:
            A handle on each run, in order.

        Raises:
            ScheduleNotFoundError: No such schedule.
            ValueError: A time is naive or lies in the future, or the range holds more than 10,000 times.
            WorkflowNotFoundError: The workflow is not registered.
            JournalWriteError: It cannot be kept at the moment; some runs may have been started.
        """
        runs = await self._runner.schedules.backfill(self.id, start, end)
        return [WorkflowHandle(self._runner, run) for run in runs]

    async def update(
        self,
        *,
        spec: CronSpec | IntervalSpec | None = None,
        overlap: Overlap | str | None = None,
        catch_up: timedelta | None = None,
        jitter: timedelta | None = None,
    ) -> None:
        """Change some settings; `engine.schedule` with the same id changes all, the workflow and its input included.

        Args:
            spec: When it falls due; another one counts from now on.
            overlap: What happens when a run has not ended.
            catch_up: How late a run may start.
            jitter: The longest delay that is added to each time; zero for none.

        Raises:
            ScheduleNotFoundError: No such schedule.
            ScheduleSpecError: `catch_up` or `jitter` is too short.
            ValueError: There is no such overlap policy.
            JournalWriteError: It cannot be kept at the moment; nothing was changed.
        """
        policy = None if overlap is None else Overlap(overlap)
        await self._runner.schedules.update(self.id, spec=spec, overlap=policy, catch_up=catch_up, jitter=jitter)

    async def delete(self) -> None:
        """Forget the schedule. Runs that it started go on.

        Raises:
            ScheduleNotFoundError: No such schedule.
            JournalWriteError: It cannot be kept at the moment; the schedule is still there.
        """
        await self._runner.schedules.delete(self.id)
