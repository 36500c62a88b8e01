"""What callers see of schedules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap


class ScheduledRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that a schedule started.

    Attributes:
        id: The run's id.
        scheduled_for: The time it fell due, UTC; the time of the call for a triggered run.
        status: Where it stands; None when the run is no longer kept, or what is kept of it is damaged.
    """

    id: str
    scheduled_for: datetime
    status: RunStatus | None


class ScheduleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule in full. Times are UTC.

    Attributes:
        id: Its id.
        workflow: The workflow it starts.
        version: The workflow's version; None for the one registered last at the time.
        input: The input value, as JSON.
        spec: When it falls due.
        overlap: What happens when a run it started has not ended.
        catch_up: How late a run may start.
        jitter: The longest delay that is added to each time.
        paused: Whether it starts nothing.
        note: What was said when it was paused.
        created_at: When it was made.
        next_times: The next times at which it falls due, at most five, before jitter; empty while paused.
        last_runs: The latest runs it started, newest first, at most ten.
        missed: Times that passed by more than `catch_up` while no engine had the journal open.
        skipped: Times that were left out because a run had not ended.
        buffered_for: The time whose run waits for the run before to end; None when none waits.
        queue: The queue its runs wait in; None when they begin at once.
        priority: Their place in the queue, 0 (most urgent) to 9.
        problem: Why it cannot start anything, in words; None when nothing is wrong.
    """

    id: str
    workflow: str
    version: str | None
    input: Any
    spec: CronSpec | IntervalSpec
    overlap: Overlap
    catch_up: timedelta
    jitter: timedelta
    paused: bool
    note: str
    created_at: datetime
    next_times: list[datetime]
    last_runs: list[ScheduledRun]
    missed: int
    skipped: int
    buffered_for: datetime | None
    queue: str | None = None
    priority: int = 5
    problem: str | None
