"""Schedules at work: what the plan says is journalled and done. A fire's run and the progress it makes are one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import (
    JournalCorruptError,
    JournalWriteError,
    PayloadError,
    WorkflowNotFoundError,
)
from maestro_workflow_engine._payload_errors import PayloadUnreadableError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._schedule_spec import ScheduleSpecError
from maestro_workflow_engine.embedded._alarms import Alarms
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._journal import Statement, Write, nothing
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._schedule_plan import plan, run_id, without
from maestro_workflow_engine.embedded._schedule_rows import Progress, ScheduleChange, Settings, spec_of
from maestro_workflow_engine.embedded._schedule_sealing import ScheduleSealer
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _events as ev

_logger = get_logger(__name__)
_AT_ONCE = 100
"""How many runs a schedule starts before everything else on the event loop has a turn."""


@dataclass(slots=True, eq=False)
class LiveSchedule:
    """A schedule in memory, as it is on disk or about to be."""

    id: str
    number: int
    settings: Settings
    progress: Progress
    armed_us: int | None = None
    """When its alarm rings; another ring is a stale one."""

    problem: str | None = None
    """Why it cannot start anything."""

    deleting: bool = False
    """Its deletion is on the way to the disk; it starts nothing more."""


class Firing:
    """Every schedule of a journal, and what time and the ends of runs make of it."""

    def __init__(
        self,
        journal: Uploads,
        reader: JournalReader,
        core: Core,
        registry: WorkflowRegistry,
        clock: Clock,
        sealing: ScheduleSealer,
    ) -> None:
        self._journal = journal
        self._reader = reader
        self._core = core
        self._registry = registry
        self._clock = clock
        self._sealing = sealing
        self._by_number: dict[int, LiveSchedule] = {}
        self._last_number = 0
        self._owners: dict[str, str] = {}
        self._closed = False
        self._alarms = Alarms(self._ring, clock)
        self.by_id: dict[str, LiveSchedule] = {}
        core.on_end.append(self._ended)

    def close(self) -> None:
        """Start nothing more."""
        self._closed = True
        self._alarms.close()

    def add(self, schedule_id: str, settings: Settings, progress: Progress) -> None:
        """Take a schedule up. Of the runs in its progress those count as active that have not ended."""
        self._last_number += 1
        active = tuple(run for run in progress.active if not self._has_ended(run))
        progress = msgspec.structs.replace(progress, active=active)
        schedule = LiveSchedule(schedule_id, self._last_number, settings, progress)
        self.by_id[schedule_id] = self._by_number[schedule.number] = schedule
        self._owners.update(dict.fromkeys(active, schedule_id))
        self.go_on(schedule)

    def discard(self, schedule_id: str) -> None:
        """Forget a schedule, if it is there."""
        if schedule_id in self.by_id:
            self.remove(self.by_id[schedule_id])

    def remove(self, schedule: LiveSchedule) -> None:
        """Forget a schedule; its runs go on."""
        del self.by_id[schedule.id]
        del self._by_number[schedule.number]

    def adopt(self, run: str, schedule: LiveSchedule) -> None:
        """Be told when a run ends: it counts for the schedule's overlap policy."""
        self._owners[run] = schedule.id

    def abandon(self, run: str, schedule: LiveSchedule) -> None:
        """Forget a run that was refused by the disk; a time may have been held up by it."""
        self._owners.pop(run, None)
        schedule.progress = without(schedule.progress, run)
        self.go_on(schedule)

    def go_on(self, schedule: LiveSchedule, *, not_before_us: int = 0) -> None:
        """Start what is due and set the alarm for what comes next.

        Args:
            schedule: The schedule.
            not_before_us: A time that is known to have come, should the clock have been set back since.
        """
        if self._closed or schedule.deleting or schedule.settings.paused:
            return
        try:
            definition = self.definition(schedule)
            spec_of(schedule.settings.spec)
            input_ = self.input(schedule)
            self._core.check_input(input_)
            self._catch_up(schedule, definition, input_, not_before_us)
        except (
            WorkflowNotFoundError,
            ScheduleSpecError,
            PayloadError,
            PayloadUnreadableError,
            JournalCorruptError,
        ) as error:
            if schedule.problem is None:
                _logger.error("Schedule cannot go on", schedule=schedule.id, problem=str(error), code=error.code)
            schedule.problem = str(error)
            return
        schedule.problem = None

    def definition(self, schedule: LiveSchedule) -> WorkflowDefinition[..., Any]:
        """Return the workflow a schedule starts.

        Raises:
            WorkflowNotFoundError: It is not registered.
        """
        return self._registry.find(schedule.settings.workflow, schedule.settings.version)

    def input(self, schedule: LiveSchedule) -> msgspec.Raw:
        """Return the input of a schedule's runs.

        Raises:
            PayloadUnreadableError: It cannot be read back.
        """
        return self._sealing.open_input(schedule.id, schedule.settings.input)

    def start(
        self,
        schedule: LiveSchedule,
        definition: WorkflowDefinition[..., Any],
        run: str,
        input_: msgspec.Raw,
        *,
        on_durable: Callable[[], None] | None = None,
        on_failed: Callable[[JournalWriteError], None] | None = None,
        also: tuple[Statement, ...] = (),
        order: tuple[int | str, ...] = (),
    ) -> None:
        """Make a run of a schedule, in its queue if it has one; see `Core.create`."""
        settings = schedule.settings
        if settings.queue is None:
            self._core.create(
                definition,
                run,
                input_,
                trace=None,
                on_durable=on_durable,
                on_failed=on_failed,
                also=also,
                order=order,
            )
        else:
            self._core.admissions.enqueue(
                definition,
                run,
                input_,
                ev.Admission(settings.queue, settings.priority),
                trace=None,
                on_durable=on_durable,
                on_failed=on_failed,
                also=also,
                order=order,
            )

    def is_taken(self, run: str) -> bool:
        """Tell whether there is a run of this id."""
        return self.status(run) is not None

    def status(self, run: str) -> RunStatus | None:
        """Return where a run stands; None when there is none."""
        row = self._reader.by_id(run)
        if row is not None:
            return RunStatus(row.status)
        return RunStatus.RUNNING if self._core.key_of(run) is not None else None

    def _has_ended(self, run: str) -> bool:
        try:
            row = self._reader.by_id(run)
        except JournalCorruptError as error:  # it may well be at work; the other schedules and the runs go on
            _logger.error("Run of a schedule counts as running", run_id=run, problem=str(error), code=error.code)
            return False
        return row is None or row.finished_us is not None

    def _catch_up(
        self, schedule: LiveSchedule, definition: WorkflowDefinition[..., Any], input_: msgspec.Raw, not_before_us: int
    ) -> None:
        for _ in range(_AT_ONCE):
            before = schedule.progress
            now_us = max(self._clock.now_us(), not_before_us)
            move = plan(schedule.id, schedule.settings, before, now_us)
            for run in move.cancel:
                self._ask_to_stop(run, schedule.id)
            schedule.progress = move.progress
            if move.start_us is None:
                if schedule.progress != before:
                    self._keep(schedule)
                self._arm(schedule, move.wake_us)
                return
            self._fire(schedule, definition, input_, move.start_us)
        self._arm(schedule, now_us)  # much is due: the others have a turn first

    def _arm(self, schedule: LiveSchedule, wake_us: int | None) -> None:
        if wake_us is not None and wake_us != schedule.armed_us:
            schedule.armed_us = wake_us
            self._alarms.add(wake_us, schedule.number, 0)

    def _ring(self, at_us: int, number: int, _: int) -> None:
        schedule = self._by_number.get(number)
        if schedule is not None and schedule.armed_us == at_us:
            schedule.armed_us = None
            self.go_on(schedule, not_before_us=at_us)

    def _ended(self, run: str) -> None:
        owner = self._owners.pop(run, None)
        schedule = None if owner is None else self.by_id.get(owner)
        if schedule is None:
            return
        active = tuple(other for other in schedule.progress.active if other != run)
        schedule.progress = msgspec.structs.replace(schedule.progress, active=active)
        if schedule.progress.buffered_us is not None:
            self.go_on(schedule)

    def _fire(
        self, schedule: LiveSchedule, definition: WorkflowDefinition[..., Any], input_: msgspec.Raw, at_us: int
    ) -> None:
        run = run_id(schedule.id, at_us)
        if self.is_taken(run):  # a backfill, or somebody by hand, was here before
            schedule.progress = without(schedule.progress, run)
            self._keep(schedule)
            return
        self.adopt(run, schedule)
        change = ScheduleChange(schedule.id, progress=schedule.progress)
        # Without on_failed: while the disk refuses, the fire stays queued, and a process that dies fires it again.
        self.start(schedule, definition, run, input_, also=(change.statement(),), order=(schedule.id,))

    def _keep(self, schedule: LiveSchedule) -> None:
        change = ScheduleChange(schedule.id, progress=schedule.progress)
        self._journal.submit(Write(nothing, also=(change.statement(),), order=(schedule.id,)))

    def _ask_to_stop(self, run: str, schedule_id: str) -> None:
        live = self._core.live(run)
        if live is None:
            row = self._reader.by_id(run)
            live = self._core.residents.find(row) if row is not None and row.finished_us is None else None
        if live is not None:
            self._core.cancel(live, f"schedule {schedule_id!r} fell due again")
