"""Carries out a move, or tells what it would do: the same way through, with and without the writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from maestro_workflow_engine._errors import WorkflowNotFoundError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.moving._departing_schedules import DepartingSchedule, DepartingSchedules
from maestro_workflow_engine.moving._errors import MoveError
from maestro_workflow_engine.moving._families import Families, Member
from maestro_workflow_engine.moving._move import Move
from maestro_workflow_engine.moving._opening import opened
from maestro_workflow_engine.moving._report import MovedRun, MovedSchedule, MoveReport, Outcome
from maestro_workflow_engine.moving._source import Departure, JournalSource
from maestro_workflow_engine.moving._target import RefusedError, Target

_AT_ONCE = 16
_PAUSED = "its workflow is paused, and pauses of workflows do not move: resume it first, or pause its runs one by one"
_QUEUE_PAUSED = "queue {!r} is paused, and pauses of queues do not move: resume it first"

Progress = Callable[[int, int], None]
"""Called with how many runs are dealt with, and how many there are."""


async def plan_move(move: Move, *, on_progress: Progress | None = None) -> MoveReport:
    """Tell what a move would do. Nothing is written, in the journal or in the target.

    A journal of an older format is brought to that of this release, as by any engine that opens it.

    Args:
        move: The move.
        on_progress: Called now and then.

    Returns:
        What would become of each run and schedule, and why.

    Raises:
        MoveError: The move makes no sense, or another one has to be finished first.
        JournalLockedError: An engine has the journal open; names the process.
        JournalError: The journal cannot be opened.
        ClusterUnreachableError: The cluster does not answer.
    """
    async with opened(move) as (source, target):
        return await _Mover(move, source, target, on_progress, is_real=False).report()


async def carry_out(move: Move, *, on_progress: Progress | None = None) -> MoveReport:
    """Move what can be moved.

    Killed or failed at any point, it is finished by calling it again, and no run is lost or doubled. Each run moves with its parent
    and children or not at all.

    Args:
        move: The move.
        on_progress: Called now and then.

    Returns:
        What has become of each run and schedule, and why.

    Raises:
        MoveError: The move makes no sense, or another one has to be finished first.
        JournalLockedError: An engine has the journal open; names the process.
        JournalError: The journal cannot be opened.
        JournalWriteError: The disk refuses.
        ClusterUnreachableError: The cluster does not answer; call it again.
        PayloadStoreError: The payload store cannot be reached; call it again.
    """
    async with opened(move) as (source, target):
        return await _Mover(move, source, target, on_progress, is_real=True).report()


class _Mover:
    def __init__(
        self, move: Move, source: JournalSource, target: Target, on_progress: Progress | None, *, is_real: bool
    ) -> None:
        self._move = move
        self._source = source
        self._target = target
        self._tell = on_progress
        self._is_real = is_real
        self._registry = WorkflowRegistry(move.workflows)
        self._families = Families(source, self._registry)
        self._schedules = DepartingSchedules(source)
        self._paused_queues = source.reader.paused_queues()
        self._total = self._done = 0

    async def report(self) -> MoveReport:
        """Go through everything once."""
        departures = self._source.departures()
        self._check_one_target(departures)
        ended, gone = self._source.ended()
        self._total = len(self._source.open_runs()) + sum(len(each.runs) for each in departures.values())
        runs = [run for run_id, departure in departures.items() for run in await self._go_on(run_id, departure)]
        runs += await self._all_families()
        schedules = [
            await self._schedule(each)
            for each in list(self._schedules.all())
            if self._move.concerns(each.settings.workflow) or each.target is not None
        ]
        return MoveReport(
            source=self._move.source,
            target=self._target.url,
            runs=runs,
            schedules=schedules,
            ended=ended,
            moved_before=gone - sum(len(each.runs) for each in departures.values()),
        )

    def _progress(self, runs: int) -> None:
        self._done += runs
        if self._tell is not None:
            self._tell(self._done, self._total)

    def _check_one_target(self, departures: dict[str, Departure]) -> None:
        begun = {each.target for each in departures.values()} | {
            each.target for each in self._schedules.all() if each.target is not None
        }
        if begun - {self._target.url}:
            there = ", ".join(sorted(begun))
            raise MoveError(f"a move to {there} was interrupted: finish it first, by asking for it again")

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _all_families(self) -> list[MovedRun]:
        """Deal with every family, several at once: most of the time goes into waiting for the target."""
        limit, tasks = asyncio.Semaphore(_AT_ONCE), list[asyncio.Task[list[MovedRun]]]()

        async def in_turn(family: Member) -> list[MovedRun]:
            try:
                return await self._family(family) if self._move.concerns(family.row.workflow) else []
            finally:
                limit.release()
                self._progress(sum(1 for _ in family.all()))

        try:
            async with asyncio.TaskGroup() as group:
                for family in self._families.all():
                    await limit.acquire()
                    tasks.append(group.create_task(in_turn(family)))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [run for task in tasks for run in task.result()]

    async def _family(self, family: Member) -> list[MovedRun]:
        members = list(family.all())
        for member in members:
            pause = self._source.pauses.find(member.row.workflow, member.row.version)
            if pause is not None:
                member.reasons.append(_PAUSED)
            if member.waits_in is not None and member.waits_in in self._paused_queues:
                member.reasons.append(_QUEUE_PAUSED.format(member.waits_in))
            await self._target.judge(member, is_first=member is family, is_under_way=False)
        if any(member.reasons for member in members):
            return _shown(family, Outcome.STAYS)
        if not self._is_real:
            return _shown(family, Outcome.MOVES)
        departure = self._source.mark([member.row for member in members], self._target.url)
        crash_points.reach(crash_points.MOVE_MARKED)
        return await self._take(family, departure)

    async def _go_on(self, run_id: str, departure: Departure) -> list[MovedRun]:
        """Finish, or show, what an interrupted move had begun."""
        family = self._families.departed(departure)
        self._progress(len(departure.runs))
        if family is None:
            raise MoveError(f"run {run_id!r} was being moved to {departure.target}, and is no longer in the journal")
        broken = [reason for member in family.all() for reason in member.reasons]
        if broken:  # it may be there already, so that nothing but its own code can tell what is right
            raise MoveError(
                f"run {run_id!r} was being moved to {departure.target} when the move was interrupted, and cannot be read now:"
                f" {broken[0]}. Ask for the move with the workflows it was begun with"
            )
        return await self._take(family, departure) if self._is_real else _shown(family, Outcome.UNDER_WAY)

    async def _take(self, family: Member, departure: Departure) -> list[MovedRun]:
        try:
            await self._target.take(family)
        except RefusedError as error:
            self._source.take_back(family.row.id, departure)
            family.reasons.append(str(error))
            return _shown(family, Outcome.STAYS)
        crash_points.reach(crash_points.MOVE_TAKEN)
        self._source.confirm(family.row.id, departure)
        return _shown(family, Outcome.MOVED)

    # ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _schedule(self, schedule: DepartingSchedule) -> MovedSchedule:
        is_under_way = schedule.target is not None
        reasons, notes = await self._target.judge_schedule(schedule, is_under_way=is_under_way)
        if not is_under_way:
            reasons = [*self._own_reasons(schedule), *reasons]
        elif schedule.problem is not None:
            raise MoveError(f"schedule {schedule.id!r} was being moved and cannot be read now: {schedule.problem}")
        elif reasons and self._is_real:  # it was marked before anybody looked at it: by a drain
            self._schedules.take_back(schedule)
        outcome = Outcome.STAYS if reasons else Outcome.UNDER_WAY if is_under_way else Outcome.MOVES
        if self._is_real and not reasons:
            try:
                await self._take_schedule(schedule, is_marked=is_under_way)
                outcome = Outcome.MOVED
            except RefusedError as error:
                self._schedules.take_back(schedule)
                outcome, reasons = Outcome.STAYS, [str(error)]
        return MovedSchedule(
            id=schedule.id,
            workflow=schedule.settings.workflow,
            paused=schedule.settings.paused,
            outcome=outcome,
            reasons=reasons,
            notes=notes,
        )

    async def _take_schedule(self, schedule: DepartingSchedule, *, is_marked: bool) -> None:
        if not is_marked:
            self._schedules.mark(schedule, self._target.url)
            crash_points.reach(crash_points.MOVE_MARKED)
        await self._target.take_schedule(schedule)
        crash_points.reach(crash_points.MOVE_TAKEN)
        self._schedules.confirm(schedule)

    def _own_reasons(self, schedule: DepartingSchedule) -> Iterator[str]:
        settings = schedule.settings
        if schedule.problem is not None:
            yield schedule.problem
        try:
            found = self._registry.find(settings.workflow, settings.version)
        except WorkflowNotFoundError as error:
            yield str(error)
            return
        if self._source.pauses.find(found.name, found.version) is not None:
            yield _PAUSED
        if settings.queue is not None and settings.queue in self._paused_queues:
            yield _QUEUE_PAUSED.format(settings.queue)


def _shown(family: Member, outcome: Outcome) -> list[MovedRun]:
    held_back = [f"run {one.row.id!r} of its family stays: {one.reasons[0]}" for one in family.all() if one.reasons]
    return [_run(one, outcome, one.reasons or held_back[:1]) for one in family.all()]


def _run(member: Member, outcome: Outcome, reasons: list[str]) -> MovedRun:
    row = member.row
    return MovedRun(
        id=row.id,
        workflow=row.workflow,
        version=row.version,
        status=RunStatus(row.status),
        parent_id=member.parent_id,
        events=len(member.events),
        unfinished_steps=member.unfinished,
        outcome=outcome,
        reasons=reasons,
        notes=member.notes,
    )
