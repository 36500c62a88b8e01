"""Schedules at work: what the plan says is journalled and done. A fire's run and the progress it makes are one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import JournalWriteError, WorkflowNotFoundError
from maestro_workflow_engine._records import RunStatus, moment
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._schedule_keeper import ScheduleNotFoundError
from maestro_workflow_engine._schedule_records import ScheduledRun, ScheduleInfo
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap, ScheduleSpecError
from maestro_workflow_engine.embedded._alarms import Alarms, now_us
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._journal import Journal, Write
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._schedule_plan import next_time_us, plan, run_id, started
from maestro_workflow_engine.embedded._schedule_rows import (
    Progress,
    ScheduleChange,
    Settings,
    decode_progress,
    decode_settings,
    overlap_of,
    spec_of,
    spec_row,
)
from maestro_workflow_engine.machine import _events as ev

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = moment(0)
_SHOWN = 5
_SHORTEST_CATCH_UP = timedelta(seconds=1)
_BACKFILL_LIMIT = 10_000
_logger = get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Schedule:
    id: str
    number: int
    settings: Settings
    progress: Progress
    armed_us: int | None = None
    """When its alarm rings; another ring is a stale one."""

    problem: str | None = None
    deleting: bool = False


class Schedules:
    """Every schedule of a journal, in memory and on disk.

    A user's call writes settings and is waited for; a fire writes progress and is not. The two never write the same column, so
    neither can undo the other. Calls on one schedule take turns.
    """

    def __init__(self, journal: Journal, reader: JournalReader, core: Core, registry: WorkflowRegistry) -> None:
        self._journal = journal
        self._reader = reader
        self._core = core
        self._registry = registry
        self._by_id: dict[str, _Schedule] = {}
        self._by_number: dict[int, _Schedule] = {}
        self._last_number = 0
        self._owners: dict[str, str] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._alarms = Alarms(self._ring)
        self._closed = False
        core.on_end = self._ended

    def recover(self) -> None:
        """Take up every schedule: what fell due while no engine was open is caught up with or counted as missed."""
        for schedule_id, settings, progress in self._reader.schedules():
            kept = decode_progress(progress)
            active = tuple(run for run in kept.active if self._is_running(run))
            self._add(schedule_id, decode_settings(settings), msgspec.structs.replace(kept, active=active))

    def revive(self) -> None:
        """Try those again whose workflow was missing: one has been registered."""
        for schedule in list(self._by_id.values()):
            if schedule.problem is not None:
                self._go_on(schedule)

    def close(self) -> None:
        """Start nothing more."""
        self._closed = True
        self._alarms.close()

    # ── what users ask for ───────────────────────────────────────────────────────────────────────────────────────

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
    ) -> None:
        """Make a schedule, or change the one that has this id.

        Raises:
            ScheduleSpecError: `catch_up` or `jitter` is too short.
            JournalWriteError: The disk refuses; nothing was changed.
        """
        async with self._turn(schedule_id):
            known, now = self._by_id.get(schedule_id), now_us()
            settings = Settings(
                workflow=definition.name,
                version=version,
                input=input_,
                spec=spec_row(spec),
                overlap=overlap.value,
                catch_up_us=_catch_up_us(catch_up),
                jitter_us=_jitter_us(jitter),
                created_us=now,
                since_us=now,
                paused=paused,
            )
            if known is not None:
                await self._change(known, _carried_over(known.settings, settings))
                return
            progress = Progress()
            change = ScheduleChange(schedule_id, settings, progress)
            await self._written(change, lambda: self._add(schedule_id, settings, progress))

    async def update(
        self,
        schedule_id: str,
        *,
        spec: CronSpec | IntervalSpec | None,
        overlap: Overlap | None,
        catch_up: timedelta | None,
        jitter: timedelta | None,
    ) -> None:
        """Change what is not None.

        Raises:
            ScheduleNotFoundError: No such schedule.
            ScheduleSpecError: `catch_up` or `jitter` is too short.
            JournalWriteError: The disk refuses; nothing was changed.
        """
        changes: dict[str, Any] = {}
        if spec is not None:
            changes["spec"] = spec_row(spec)
        if overlap is not None:
            changes["overlap"] = overlap.value
        if catch_up is not None:
            changes["catch_up_us"] = _catch_up_us(catch_up)
        if jitter is not None:
            changes["jitter_us"] = _jitter_us(jitter)
        async with self._turn(schedule_id):
            schedule = self._get(schedule_id)
            wanted = msgspec.structs.replace(schedule.settings, since_us=now_us(), **changes)
            await self._change(schedule, _carried_over(schedule.settings, wanted))

    async def pause(self, schedule_id: str, note: str) -> None:
        """Start nothing from now on.

        Raises:
            ScheduleNotFoundError: No such schedule.
            JournalWriteError: The disk refuses; it goes on.
        """
        async with self._turn(schedule_id):
            schedule = self._get(schedule_id)
            await self._change(schedule, msgspec.structs.replace(schedule.settings, paused=True, note=note))

    async def resume(self, schedule_id: str) -> None:
        """Go on with the next time.

        Raises:
            ScheduleNotFoundError: No such schedule.
            JournalWriteError: The disk refuses; it stays paused.
        """
        async with self._turn(schedule_id):
            schedule = self._get(schedule_id)
            if schedule.settings.paused:
                awake = msgspec.structs.replace(schedule.settings, paused=False, note="", since_us=now_us())
                await self._change(schedule, awake)

    async def trigger(self, schedule_id: str) -> str:
        """Start a run now; returns its id once it is on disk.

        Raises:
            ScheduleNotFoundError: No such schedule.
            WorkflowNotFoundError: The workflow is not registered.
            JournalWriteError: The disk refuses; nothing was started.
        """
        schedule = self._get(schedule_id)
        definition = self._definition(schedule)
        at_us = now_us()
        while self._is_taken(run_id(schedule_id, at_us)):
            at_us += 1
        run = run_id(schedule_id, at_us)
        schedule.progress = started(schedule.progress, at_us, run)
        self._owners[run] = schedule_id
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def failed(error: JournalWriteError) -> None:
            self._owners.pop(run, None)
            schedule.progress = _without(schedule.progress, run)
            self._go_on(schedule)  # a time may have been held up by this run
            if not done.done():
                done.set_exception(error)

        change = ScheduleChange(schedule_id, progress=schedule.progress)
        self._core.create(
            definition,
            run,
            schedule.settings.input,
            trace=None,
            on_durable=lambda: None if done.done() else done.set_result(None),
            on_failed=failed,
            schedule=change,
        )
        await done
        return run

    async def backfill(self, schedule_id: str, start: datetime, end: datetime) -> list[str]:
        """Start a run for each past time of a range that has none; returns their ids once they are on disk.

        Raises:
            ScheduleNotFoundError: No such schedule.
            ValueError: A time is naive or lies in the future, or there are too many.
            WorkflowNotFoundError: The workflow is not registered.
            JournalWriteError: The disk refuses; some runs may have been started.
        """
        schedule = self._get(schedule_id)
        definition = self._definition(schedule)
        runs = [run_id(schedule_id, at_us) for at_us in _times(schedule.settings, start, end)]
        waiting: list[asyncio.Future[None]] = []
        for run in runs:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if self._is_taken(run):
                continue
            waiting.append(done)
            self._core.create(
                definition,
                run,
                schedule.settings.input,
                trace=None,
                on_durable=_resolver(done),
                on_failed=_refuser(done),
            )
        # A run that was there in memory only, its write under way, is on disk as well once this later write is.
        await self._written(None, _nothing)
        for outcome in await asyncio.gather(*waiting, return_exceptions=True):
            if outcome is not None:
                raise outcome
        return runs

    async def delete(self, schedule_id: str) -> None:
        """Forget a schedule.

        Raises:
            ScheduleNotFoundError: No such schedule.
            JournalWriteError: The disk refuses; it is still there.
        """
        async with self._turn(schedule_id):
            schedule = self._get(schedule_id)
            schedule.deleting = True  # it starts nothing more while it goes
            try:
                await self._written(ScheduleChange(schedule_id), lambda: self._remove(schedule))
            except JournalWriteError:
                schedule.deleting = False
                self._go_on(schedule)
                raise

    def describe(self, schedule_id: str) -> ScheduleInfo:
        """Return a schedule in full.

        Raises:
            ScheduleNotFoundError: No such schedule.
        """
        schedule = self._get(schedule_id)
        settings, progress = schedule.settings, schedule.progress
        return ScheduleInfo(
            id=schedule.id,
            workflow=settings.workflow,
            version=settings.version,
            input=msgspec.json.decode(settings.input),
            spec=spec_of(settings.spec),
            overlap=overlap_of(settings),
            catch_up=timedelta(microseconds=settings.catch_up_us),
            jitter=timedelta(microseconds=settings.jitter_us),
            paused=settings.paused,
            note=settings.note,
            created_at=moment(settings.created_us),
            next_times=[] if settings.paused else _upcoming(settings, progress),
            last_runs=[
                ScheduledRun(id=run, scheduled_for=moment(at_us), status=self._status(run))
                for at_us, run in reversed(progress.recent)
            ],
            missed=progress.missed,
            skipped=progress.skipped,
            buffered_for=None if progress.buffered_us is None else moment(progress.buffered_us),
            problem=schedule.problem,
        )

    def listing(self) -> list[ScheduleInfo]:
        """Return every schedule, by id."""
        return [self.describe(schedule_id) for schedule_id in sorted(self._by_id)]

    # ── what time brings ─────────────────────────────────────────────────────────────────────────────────────────

    def _ring(self, at_us: int, number: int, _: int) -> None:
        schedule = self._by_number.get(number)
        if schedule is not None and schedule.armed_us == at_us:
            schedule.armed_us = None
            self._go_on(schedule)

    def _ended(self, run: str) -> None:
        owner = self._owners.pop(run, None)
        schedule = None if owner is None else self._by_id.get(owner)
        if schedule is None:
            return
        active = tuple(other for other in schedule.progress.active if other != run)
        schedule.progress = msgspec.structs.replace(schedule.progress, active=active)
        if schedule.progress.buffered_us is not None:
            self._go_on(schedule)

    def _go_on(self, schedule: _Schedule) -> None:
        if self._closed or schedule.deleting or schedule.settings.paused:
            return
        try:
            definition = self._definition(schedule)
        except WorkflowNotFoundError as error:
            if schedule.problem is None:
                _logger.error("Schedule cannot go on", schedule=schedule.id, problem=str(error), code=error.code)
            schedule.problem = str(error)
            return
        schedule.problem = None
        while True:
            before = schedule.progress
            move = plan(schedule.id, schedule.settings, before, now_us())
            for run in move.cancel:
                self._ask_to_stop(run, schedule.id)
            schedule.progress = move.progress
            if move.start_us is None:
                break
            self._fire(schedule, definition, move.start_us)
        if schedule.progress != before:
            self._journal.submit(Write(_nothing, schedule=ScheduleChange(schedule.id, progress=schedule.progress)))
        if move.wake_us is not None and move.wake_us != schedule.armed_us:
            schedule.armed_us = move.wake_us
            self._alarms.add(move.wake_us, schedule.number, 0)

    def _fire(self, schedule: _Schedule, definition: WorkflowDefinition[..., Any], at_us: int) -> None:
        run = run_id(schedule.id, at_us)
        if self._is_taken(run):  # a backfill was here before
            schedule.progress = _without(schedule.progress, run)
            self._journal.submit(Write(_nothing, schedule=ScheduleChange(schedule.id, progress=schedule.progress)))
            return
        self._owners[run] = schedule.id
        change = ScheduleChange(schedule.id, progress=schedule.progress)
        # Without on_failed: while the disk refuses, the fire stays queued, and a process that dies fires it again.
        self._core.create(definition, run, schedule.settings.input, trace=None, schedule=change)

    def _ask_to_stop(self, run: str, schedule_id: str) -> None:
        live = self._core.live(run)
        if live is None:
            row = self._reader.by_id(run)
            live = self._core.find(row) if row is not None and row.status == RunStatus.RUNNING else None
        if live is not None:
            self._core.append(live, ev.CancelRequested(now_us(), f"schedule {schedule_id!r} fell due again"))

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _add(self, schedule_id: str, settings: Settings, progress: Progress) -> None:
        self._last_number += 1
        schedule = _Schedule(schedule_id, self._last_number, settings, progress)
        self._by_id[schedule_id] = self._by_number[schedule.number] = schedule
        self._owners.update(dict.fromkeys(progress.active, schedule_id))
        self._go_on(schedule)

    async def _change(self, schedule: _Schedule, settings: Settings) -> None:
        if settings != schedule.settings:
            await self._written(
                ScheduleChange(schedule.id, settings=settings), lambda: self._resettle(schedule, settings)
            )

    def _resettle(self, schedule: _Schedule, settings: Settings) -> None:
        schedule.settings = settings
        self._go_on(schedule)

    def _remove(self, schedule: _Schedule) -> None:
        del self._by_id[schedule.id]
        del self._by_number[schedule.number]

    async def _written(self, change: ScheduleChange | None, apply: Callable[[], None]) -> None:
        """Write a change; memory follows the disk, whether the caller is still there or not."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def durable() -> None:
            apply()
            done.set_result(None)

        self._journal.submit(Write(durable, on_failed=done.set_exception, schedule=change))
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])  # the next call's turn comes when this one is decided
            done.exception()  # read it, or asyncio complains
            raise

    @asynccontextmanager
    async def _turn(self, schedule_id: str) -> AsyncIterator[None]:
        lock = self._turns.setdefault(schedule_id, asyncio.Lock())
        async with lock:
            yield

    def _get(self, schedule_id: str) -> _Schedule:
        schedule = self._by_id.get(schedule_id)
        if schedule is None:
            raise ScheduleNotFoundError(schedule_id)
        return schedule

    def _definition(self, schedule: _Schedule) -> WorkflowDefinition[..., Any]:
        return self._registry.find(schedule.settings.workflow, schedule.settings.version)

    def _is_taken(self, run: str) -> bool:
        return self._core.live(run) is not None or self._reader.by_id(run) is not None

    def _is_running(self, run: str) -> bool:
        return self._status(run) is RunStatus.RUNNING

    def _status(self, run: str) -> RunStatus | None:
        row = self._reader.by_id(run)
        if row is not None:
            return RunStatus(row.status)
        return RunStatus.RUNNING if self._core.live(run) is not None else None


def _carried_over(old: Settings, new: Settings) -> Settings:
    """Return new settings of a schedule that exists: what a redefinition does not touch stays."""
    since_us = old.since_us if new.spec == old.spec else new.since_us
    return msgspec.structs.replace(new, created_us=old.created_us, since_us=since_us, paused=old.paused, note=old.note)


def _without(progress: Progress, run: str) -> Progress:
    return msgspec.structs.replace(
        progress,
        active=tuple(other for other in progress.active if other != run),
        recent=tuple(entry for entry in progress.recent if entry[1] != run),
    )


def _catch_up_us(catch_up: timedelta) -> int:
    if catch_up < _SHORTEST_CATCH_UP:  # less would take a busy moment for an absence
        raise ScheduleSpecError("catch_up must be one second or more")
    return catch_up // _MICROSECOND


def _jitter_us(jitter: timedelta) -> int:
    if jitter < timedelta(0):
        raise ScheduleSpecError("jitter must not be negative")
    return jitter // _MICROSECOND


def _upcoming(settings: Settings, progress: Progress) -> list[datetime]:
    times: list[datetime] = []
    after: int | None = max(settings.since_us, progress.done_us)
    spec = spec_of(settings.spec)
    while len(times) < _SHOWN and after is not None:
        after = next_time_us(spec, after)
        if after is not None:
            times.append(moment(after))
    return times


def _times(settings: Settings, start: datetime, end: datetime) -> list[int]:
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("a backfill needs aware times, such as datetime(2026, 1, 1, tzinfo=UTC)")
    end_us = (end - _EPOCH) // _MICROSECOND
    if end_us > now_us():
        raise ValueError("a backfill ends in the past; what lies ahead is the schedule's own")
    spec = spec_of(settings.spec)
    times: list[int] = []
    at_us = next_time_us(spec, (start - _EPOCH) // _MICROSECOND - 1)
    while at_us is not None and at_us < end_us:
        times.append(at_us)
        if len(times) > _BACKFILL_LIMIT:
            raise ValueError(f"the range holds more than {_BACKFILL_LIMIT} times; backfill it in parts")
        at_us = next_time_us(spec, at_us)
    return times


def _resolver(future: asyncio.Future[None]) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_result(None)


def _refuser(future: asyncio.Future[None]) -> Callable[[JournalWriteError], None]:
    return lambda error: None if future.done() else future.set_exception(error)


def _nothing() -> None:
    """A write that nobody waits for."""
