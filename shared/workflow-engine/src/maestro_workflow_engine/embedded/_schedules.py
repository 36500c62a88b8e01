"""What callers ask of schedules: each change is on disk before it counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import JournalCorruptError, JournalWriteError
from maestro_workflow_engine._payload_errors import PayloadUnreadableError
from maestro_workflow_engine._records import RunStatus, moment
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._schedule_keeper import ScheduleNotFoundError
from maestro_workflow_engine._schedule_records import ScheduledRun, ScheduleInfo
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._journal import Write, nothing
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._schedule_firing import Firing, LiveSchedule
from maestro_workflow_engine.embedded._schedule_plan import run_id, started
from maestro_workflow_engine.embedded._schedule_rows import (
    Progress,
    ScheduleChange,
    Settings,
    decode_progress,
    decode_settings,
    spec_of,
    spec_row,
)
from maestro_workflow_engine.embedded._schedule_sealing import ScheduleSealer
from maestro_workflow_engine.embedded._schedule_settings import (
    carried_over,
    catch_up_us,
    jitter_us,
    past_times,
    upcoming,
)
from maestro_workflow_engine.embedded._uploads import Uploads

_logger = get_logger(__name__)


class Schedules:
    """Every schedule of a journal, in memory and on disk.

    A user's call writes settings and is waited for; a fire writes progress and is not. The two never write the same column, so
    neither can undo the other. Calls on one schedule take turns.
    """

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
        self._core = core
        self._clock = clock
        self._sealing = sealing
        self._firing = Firing(journal, reader, core, registry, clock, sealing)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def recover(self, kept: list[tuple[str, bytes, bytes]]) -> None:
        """Take up schedules: what fell due while no engine was open is caught up with or counted as missed.

        Args:
            kept: (id, settings, progress) of each, as `JournalReader.schedules` reads them.
        """
        for schedule_id, settings, progress in kept:
            try:
                self._firing.add(schedule_id, decode_settings(settings), decode_progress(progress))
            except Exception as error:  # noqa: BLE001  one schedule stops over it; runs and the other schedules go on
                _logger.error("Schedule cannot be read; it fires no more", schedule=schedule_id, problem=str(error))
                self._firing.discard(schedule_id)

    def revive(self) -> None:
        """Try those again whose workflow was missing: one has been registered."""
        for schedule in list(self._firing.by_id.values()):
            if schedule.problem is not None:
                self._firing.go_on(schedule)

    def close(self) -> None:
        """Start nothing more."""
        self._firing.close()

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
        """Make a schedule, or change the one that has this id.

        Raises:
            ScheduleSpecError: `catch_up` or `jitter` is too short.
            QueueNotFoundError: The queue is not declared.
            PayloadError: The input is too large to be kept.
            JournalWriteError: The disk refuses; nothing was changed.
        """
        self._core.check_input(input_)
        if queue is not None:
            self._core.admissions.lines.check(queue)
        async with self._turn(schedule_id):
            known, now = self._firing.by_id.get(schedule_id), self._clock.now_us()
            settings = Settings(
                workflow=definition.name,
                version=version,
                input=self._sealing.seal_input(schedule_id, input_),
                spec=spec_row(spec),
                overlap=overlap,
                catch_up_us=catch_up_us(catch_up),
                jitter_us=jitter_us(jitter),
                created_us=now,
                since_us=now,
                paused=paused,
                queue=queue,
                priority=priority,
            )
            if known is not None:
                await self._change(known, carried_over(known.settings, settings))
                return
            progress = Progress()
            change = ScheduleChange(schedule_id, settings, progress)
            await self._written(change, lambda: self._firing.add(schedule_id, settings, progress))

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
            changes["overlap"] = overlap
        if catch_up is not None:
            changes["catch_up_us"] = catch_up_us(catch_up)
        if jitter is not None:
            changes["jitter_us"] = jitter_us(jitter)
        async with self._turn(schedule_id):
            schedule = self._get(schedule_id)
            wanted = msgspec.structs.replace(schedule.settings, since_us=self._clock.now_us(), **changes)
            await self._change(schedule, carried_over(schedule.settings, wanted))

    async def pause(self, schedule_id: str, note: str) -> None:
        """Start nothing from now on.

        Raises:
            ScheduleNotFoundError: No such schedule.
            JournalWriteError: The disk refuses; it goes on.
        """
        async with self._turn(schedule_id):
            schedule = self._get(schedule_id)
            kept = self._sealing.seal_note(schedule_id, note)
            await self._change(schedule, msgspec.structs.replace(schedule.settings, paused=True, note=kept))

    async def resume(self, schedule_id: str) -> None:
        """Go on with the next time.

        Raises:
            ScheduleNotFoundError: No such schedule.
            JournalWriteError: The disk refuses; it stays paused.
        """
        async with self._turn(schedule_id):
            schedule = self._get(schedule_id)
            if schedule.settings.paused:
                awake = msgspec.structs.replace(
                    schedule.settings, paused=False, note="", moved_to=None, since_us=self._clock.now_us()
                )
                await self._change(schedule, awake)

    async def trigger(self, schedule_id: str) -> str:
        """Start a run now; returns its id once it is on disk.

        Raises:
            ScheduleNotFoundError: No such schedule.
            WorkflowNotFoundError: The workflow is not registered.
            PayloadUnreadableError: Its input cannot be read back.
            JournalWriteError: The disk refuses; nothing was started.
        """
        schedule = self._get(schedule_id)
        definition, input_ = self._firing.definition(schedule), self._firing.input(schedule)
        at_us = self._clock.now_us()
        while self._firing.is_taken(run_id(schedule_id, at_us)):
            at_us += 1
        run = run_id(schedule_id, at_us)
        schedule.progress = started(schedule.progress, at_us, run)
        self._firing.adopt(run, schedule)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def failed(error: JournalWriteError) -> None:
            self._firing.abandon(run, schedule)
            if not done.done():
                done.set_exception(error)

        change = ScheduleChange(schedule_id, progress=schedule.progress)
        self._firing.start(
            schedule,
            definition,
            run,
            input_,
            on_durable=lambda: None if done.done() else done.set_result(None),
            on_failed=failed,
            also=(change.statement(),),
            order=(schedule_id,),
        )
        await done
        return run

    async def backfill(self, schedule_id: str, start: datetime, end: datetime) -> list[str]:
        """Start a run for each past time of a range that has none; returns their ids once they are on disk.

        Raises:
            ScheduleNotFoundError: No such schedule.
            ValueError: A time is naive or lies in the future, or there are too many.
            WorkflowNotFoundError: The workflow is not registered.
            PayloadUnreadableError: Its input cannot be read back.
            JournalWriteError: The disk refuses; some runs may have been started.
        """
        schedule = self._get(schedule_id)
        definition, input_ = self._firing.definition(schedule), self._firing.input(schedule)
        runs = [run_id(schedule_id, at_us) for at_us in past_times(schedule.settings, start, end, self._clock.now_us())]
        waiting: list[asyncio.Future[None]] = []
        for run in runs:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if self._firing.is_taken(run):
                continue
            waiting.append(done)
            self._firing.start(
                schedule,
                definition,
                run,
                input_,
                on_durable=_resolver(done),
                on_failed=_refuser(done),
            )
        # A run that was there in memory only, its write under way, is on disk as well once this later write is.
        live = [key for run in runs if (key := self._core.key_of(run)) is not None]
        await self._written(None, nothing, after=live)
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
                await self._written(ScheduleChange(schedule_id), lambda: self._firing.remove(schedule))
            except JournalWriteError:
                schedule.deleting = False
                self._firing.go_on(schedule)
                raise

    async def describe(self, schedule_id: str) -> ScheduleInfo:
        """Return a schedule in full.

        Raises:
            ScheduleNotFoundError: No such schedule.
        """
        schedule = self._get(schedule_id)
        settings, progress, problem = schedule.settings, schedule.progress, schedule.problem
        input_, note = None, ""
        try:
            input_ = msgspec.json.decode(self._firing.input(schedule))
            note = self._sealing.open_note(schedule_id, settings.note)
        except PayloadUnreadableError as error:
            problem = str(error)
        return ScheduleInfo(
            id=schedule.id,
            workflow=settings.workflow,
            version=settings.version,
            input=input_,
            spec=spec_of(settings.spec),
            overlap=settings.overlap,
            catch_up=timedelta(microseconds=settings.catch_up_us),
            jitter=timedelta(microseconds=settings.jitter_us),
            paused=settings.paused,
            note=note,
            created_at=moment(settings.created_us),
            next_times=upcoming(settings, progress),
            last_runs=[
                ScheduledRun(id=run, scheduled_for=moment(at_us), status=self._status(run))
                for at_us, run in reversed(progress.recent)
            ],
            missed=progress.missed,
            skipped=progress.skipped,
            buffered_for=None if progress.buffered_us is None else moment(progress.buffered_us),
            queue=settings.queue,
            priority=settings.priority,
            problem=problem,
        )

    def _status(self, run: str) -> RunStatus | None:
        try:
            return self._firing.status(run)
        except JournalCorruptError:  # it was logged at the opening; the schedule can be described all the same
            return None

    async def listing(self, limit: int | None, after: str | None) -> list[ScheduleInfo]:
        """Return schedules by id, those that come after an id; None for no limit, and for the beginning."""
        found = sorted(key for key in self._firing.by_id if after is None or key > after)
        return [await self.describe(schedule_id) for schedule_id in found[:limit]]

    async def _change(self, schedule: LiveSchedule, settings: Settings) -> None:
        if settings != schedule.settings:
            await self._written(
                ScheduleChange(schedule.id, settings=settings), lambda: self._resettle(schedule, settings)
            )

    def _resettle(self, schedule: LiveSchedule, settings: Settings) -> None:
        schedule.settings = settings
        self._firing.go_on(schedule)

    async def _written(
        self, change: ScheduleChange | None, apply: Callable[[], None], *, after: Iterable[int] = ()
    ) -> None:
        """Write a change; memory follows the disk, whether the caller is still there or not."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def durable() -> None:
            apply()
            done.set_result(None)

        also = () if change is None else (change.statement(),)
        order = (*after, *(() if change is None else (change.id,)))
        self._journal.submit(Write(durable, on_failed=done.set_exception, also=also, order=order))
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

    def _get(self, schedule_id: str) -> LiveSchedule:
        schedule = self._firing.by_id.get(schedule_id)
        if schedule is None:
            raise ScheduleNotFoundError(schedule_id)
        return schedule


def _resolver(future: asyncio.Future[None]) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_result(None)


def _refuser(future: asyncio.Future[None]) -> Callable[[JournalWriteError], None]:
    return lambda error: None if future.done() else future.set_exception(error)
