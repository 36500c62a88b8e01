"""Schedules as callers write and see them. Lengths of time are in seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from maestro.api.lengths import Seconds
from maestro.domain.schedules import ScheduleDefinition, ScheduleTiming, ScheduleWork, reference
from maestro_workflow_engine import CronSpec, IntervalSpec, Overlap, RunStatus, ScheduleInfo

WorkflowReference = Annotated[str, Field(min_length=1, max_length=400)]
ScheduleId = Annotated[str, Field(min_length=1, max_length=150)]

_CRON_EXAMPLE: JsonDict = {"cron": "0 3 * * MON-FRI", "zone": "Europe/Berlin"}
_INTERVAL_EXAMPLE: JsonDict = {"every_s": 900}


class SpecView(BaseModel):
    """When a schedule falls due: by a cron expression, or at even distances."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CRON_EXAMPLE, _INTERVAL_EXAMPLE]})

    cron: str | None = Field(default=None, min_length=1, max_length=400)
    """Minute, hour, day of month, month, day of week; or `@daily` and the like."""
    zone: str | None = Field(default=None, max_length=100)
    """The time zone whose clocks the expression is read on, such as "Europe/Berlin". Default "UTC"."""
    every_s: Seconds | None = None
    """The distance, 0.01 or more, counted from the Unix epoch: every 3600 s is at full hours."""
    offset_s: Seconds | None = None
    """Shifts every time, by less than one distance. Default 0."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.cron is None) == (self.every_s is None):
            raise PydanticCustomError("schedule_spec", "must have either cron or every_s")
        if self.cron is None and self.zone is not None:
            raise PydanticCustomError(
                "schedule_spec", "has zone, which goes with cron: every_s counts from the Unix epoch"
            )
        if self.every_s is None and self.offset_s is not None:
            raise PydanticCustomError("schedule_spec", "has offset_s, which goes with every_s")
        return self

    def value(self) -> CronSpec | IntervalSpec:
        """Return what the engine takes.

        Raises:
            ScheduleSpecError: The expression, zone or distance is none.
        """
        if self.cron is not None:
            return CronSpec(self.cron, zone=self.zone or "UTC")
        return IntervalSpec(timedelta(seconds=self.every_s or 0), offset=timedelta(seconds=self.offset_s or 0))

    @classmethod
    def of(cls, spec: CronSpec | IntervalSpec) -> SpecView:
        """Show a spec."""
        if isinstance(spec, CronSpec):
            return cls(cron=spec.expression, zone=spec.zone)
        return cls(every_s=spec.every.total_seconds(), offset_s=spec.offset.total_seconds())


class DefineScheduleRequest(BaseModel):
    """What a schedule starts, and when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"workflow": "reports/nightly", "input": {"region": "north"}, "spec": _CRON_EXAMPLE}]
        },
    )

    workflow: WorkflowReference
    """"namespace/name" for whatever version is the latest at each time, or "namespace/name:version"."""
    input: JsonValue = None
    """The input of its runs."""
    spec: SpecView
    overlap: Overlap = Overlap.SKIP
    """What happens when a run it started has not ended."""
    catch_up_s: Seconds = 3_600
    """How late a run may start after the orchestrator was away; what is later counts as missed. 1 or more."""
    jitter_s: Seconds = 0
    """The longest delay that is added to each time, so that many schedules do not start in step."""
    queue: str | None = Field(default=None, min_length=1, max_length=100)
    """The queue that its runs wait in. Default: they begin at once."""
    priority: int = Field(default=5, ge=0, le=9)
    """Their place in the queue, 0 (most urgent) to 9."""
    paused: bool = False
    """Whether a new schedule waits to be resumed. One that is there already stays as it is."""

    def definition(self) -> ScheduleDefinition:
        """Return what the domain takes.

        Raises:
            ScheduleSpecError: The spec is none.
        """
        return ScheduleDefinition(
            workflow=self.workflow,
            input=self.input,
            spec=self.spec.value(),
            overlap=self.overlap,
            catch_up=timedelta(seconds=self.catch_up_s),
            jitter=timedelta(seconds=self.jitter_s),
            queue=self.queue,
            priority=self.priority,
        )


class CreateScheduleRequest(DefineScheduleRequest):
    """A new schedule."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "nightly-report", "workflow": "reports/nightly", "spec": _CRON_EXAMPLE}]}
    )

    id: ScheduleId
    """Its id: up to 150 letters, digits and `. _ : ~ -`. The run for a time is called `<id>@<time in UTC>`."""


class ChangeScheduleRequest(BaseModel):
    """Changes of a schedule; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"spec": {"every_s": 600}, "jitter_s": 30}]}
    )

    workflow: WorkflowReference = ""
    """As in a definition."""
    input: JsonValue = None
    """The input of its runs; null is an input like any other."""
    spec: SpecView = SpecView.model_construct()
    """Another one counts from now on."""
    overlap: Overlap = Overlap.SKIP
    catch_up_s: Seconds = 0
    jitter_s: Seconds = 0
    queue: str | None = Field(default=None, min_length=1, max_length=100)
    """Null for none."""
    priority: int = Field(default=5, ge=0, le=9)

    def timing(self) -> ScheduleTiming:
        """Return the changes of when it starts its runs.

        Raises:
            ScheduleSpecError: The spec is none.
        """
        given = self.model_fields_set
        return ScheduleTiming(
            spec=self.spec.value() if "spec" in given else None,
            overlap=self.overlap if "overlap" in given else None,
            catch_up=timedelta(seconds=self.catch_up_s) if "catch_up_s" in given else None,
            jitter=timedelta(seconds=self.jitter_s) if "jitter_s" in given else None,
        )

    def work(self) -> ScheduleWork:
        """Return the changes of what it starts."""
        given = self.model_fields_set
        return ScheduleWork(
            workflow=self.workflow if "workflow" in given else None,
            input=(self.input,) if "input" in given else None,
            queue=(self.queue,) if "queue" in given else None,
            priority=self.priority if "priority" in given else None,
        )


class BackfillRequest(BaseModel):
    """A range of past times."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}]},
    )

    start: AwareDatetime
    """The first time."""
    end: AwareDatetime
    """Where to stop; this time itself is left out. It must not lie in the future."""


class BackfillView(BaseModel):
    """The runs of a range of past times."""

    runs: list[str]
    """Their ids, in order of their times. A time that had its run already keeps that one."""


class ScheduledRunView(BaseModel):
    """A run that a schedule started."""

    id: str
    scheduled_for: datetime
    """The time it fell due; the time of the call for a triggered one."""
    status: RunStatus | None
    """Null when the run is no longer kept."""


class ScheduleView(BaseModel):
    """A schedule in full. Times are UTC."""

    id: str
    workflow: str
    """"namespace/name", with ":version" when it holds on to one."""
    input: Any
    spec: SpecView
    overlap: Overlap
    catch_up_s: float
    jitter_s: float
    queue: str | None
    priority: int
    paused: bool
    pause_reason: str | None
    """Why it was paused, where that was said."""
    created_at: datetime
    next_times: list[datetime]
    """The next five times at which it falls due, before jitter; none while it is paused."""
    last_runs: list[ScheduledRunView]
    """The latest ten runs, newest first."""
    missed: int
    """How many times passed by more than `catch_up_s` while the orchestrator was away."""
    skipped: int
    """How many times were left out because a run had not ended."""
    buffered_for: datetime | None
    """The time whose run waits for the run before to end."""
    problem: str | None
    """Why it cannot start anything; null when nothing is wrong."""

    @classmethod
    def of(cls, schedule: ScheduleInfo) -> ScheduleView:
        """Show a schedule."""
        return cls(
            id=schedule.id,
            workflow=reference(schedule),
            input=schedule.input,
            spec=SpecView.of(schedule.spec),
            overlap=schedule.overlap,
            catch_up_s=schedule.catch_up.total_seconds(),
            jitter_s=schedule.jitter.total_seconds(),
            queue=schedule.queue,
            priority=schedule.priority,
            paused=schedule.paused,
            pause_reason=schedule.note or None,
            created_at=schedule.created_at,
            next_times=schedule.next_times,
            last_runs=[
                ScheduledRunView(id=run.id, scheduled_for=run.scheduled_for, status=run.status)
                for run in schedule.last_runs
            ],
            missed=schedule.missed,
            skipped=schedule.skipped,
            buffered_for=schedule.buffered_for,
            problem=schedule.problem,
        )


class ScheduleList(BaseModel):
    """One page of schedules, by id."""

    schedules: list[ScheduleView]
    next_cursor: str | None
    """Pass it as `cursor` to get the next page; null on the last."""
