"""Schedules, kept by the cluster."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from temporalio import client as tc
from temporalio.common import RawValue
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import ClusterUnreachableError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._schedule_keeper import ScheduleNotFoundError
from maestro_workflow_engine._schedule_records import ScheduledRun, ScheduleInfo
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap, ScheduleSpecError
from maestro_workflow_engine.embedded._schedule_settings import times_between
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._calls import check_reached
from maestro_workflow_engine.temporal._priority import priority_of
from maestro_workflow_engine.temporal._run_reading import TemporalReading, status_of
from maestro_workflow_engine.temporal._run_starting import TemporalStarting
from maestro_workflow_engine.temporal._search import MOVED_MEMO, memo_of, search_attributes_of
from maestro_workflow_engine.temporal._unsupported import UnlimitedQueues
from maestro_workflow_engine.temporal._wire import Start, packed, raw, text_of

_SHOWN, _SHOWN_RUNS = 5, 10
_SHORTEST_CATCH_UP = timedelta(seconds=10)  # the cluster's own least
_ASK_AGAIN_S = 0.05
_LONGEST_START_S = 30.0
_SECOND_OF_THE_CLUSTER = timedelta(seconds=1.1)  # its clock may be a little behind
_AT_ONCE = 20
_UNSAID = "Paused via Python SDK"
_SPEC_MEMO = "maestro.schedule"
_MICROSECOND = timedelta(microseconds=1)
_POLICIES = {
    Overlap.SKIP: tc.ScheduleOverlapPolicy.SKIP,
    Overlap.BUFFER_ONE: tc.ScheduleOverlapPolicy.BUFFER_ONE,
    Overlap.ALLOW: tc.ScheduleOverlapPolicy.ALLOW_ALL,
    Overlap.CANCEL_OTHER: tc.ScheduleOverlapPolicy.CANCEL_OTHER,
}


class _Spec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A spec in the memo of a schedule's runs: of a cron expression the cluster tells only what it made of it."""

    cron: str | None = None
    zone: str = "UTC"
    every_us: int = 0
    offset_us: int = 0
    queue: str | None = None
    priority: int = 5


@dataclass(frozen=True, slots=True)
class _Known:
    """What a schedule's own form says."""

    workflow: str
    version: str | None
    input: msgspec.Raw
    kept: _Spec

    @property
    def spec(self) -> CronSpec | IntervalSpec:
        """When it falls due."""
        return _respec(self.kept)


class TemporalSchedules:
    """The schedules of a namespace."""

    def __init__(
        self,
        client: tc.Client,
        reading: TemporalReading,
        address: TemporalAddress,
        registry: WorkflowRegistry,
        queues: UnlimitedQueues,
        starting: TemporalStarting,
    ) -> None:
        self._starting = starting
        self._searchable = reading.searchable
        self._queues = queues
        self._client = client
        self._address = address
        self._registry = registry
        self._triggering: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

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
            ScheduleSpecError: `catch_up` is shorter than 10 s, which is the cluster's least, or `jitter` is negative.
            PayloadError: The input is too large.
        """
        if queue is not None:
            self._queues.check(queue)
        self._starting.sizes.check("input", input_)
        policy = tc.SchedulePolicy(overlap=_POLICIES[overlap], catchup_window=_catch_up(catch_up))
        kept = _kept(spec, queue, priority)
        wanted = tc.Schedule(
            action=self._action(schedule_id, definition.name, version, input_, kept),
            spec=_spec(spec, jitter),
            policy=policy,
            state=tc.ScheduleState(paused=paused),
        )
        try:
            with self._about(schedule_id):
                await self._client.create_schedule(schedule_id, wanted)
        except tc.ScheduleAlreadyRunningError:

            async def redefined(old: tc.Schedule) -> tc.Schedule:
                return dataclasses.replace(wanted, state=old.state)

            await self._change(schedule_id, redefined)

    async def take_over(
        self,
        schedule_id: str,
        *,
        workflow: str,
        version: str | None,
        input_: msgspec.Raw,
        spec: CronSpec | IntervalSpec,
        overlap: Overlap,
        catch_up: timedelta,
        jitter: timedelta,
        note: str | None,
        queue: str | None,
        priority: int,
        backfill: Sequence[tuple[datetime, datetime]],
        until: datetime,
        moved_from: str,
    ) -> bool:
        """Make a schedule that was another engine's; again, it changes nothing.

        Args:
            schedule_id: Its id.
            workflow: The workflow it starts.
            version: The workflow's version; None for whichever the worker has last.
            input_: The input of its runs.
            spec: When it falls due.
            overlap: What happens when a run it started has not ended.
            catch_up: How late a run may start.
            jitter: The longest delay that is added to each time.
            note: Why it is paused; None when it is not.
            queue: The queue its runs are started in.
            priority: Their priority.
            backfill: First and last moment of the stretches of time whose runs the other engine has not started; a first
                moment is a whole second.
            until: The moment up to which that is so; what falls due behind it is the cluster's.
            moved_from: The id of that engine's journal.

        Returns:
            Whether it is there; False when there is another schedule of this id.

        Raises:
            RPCError: The cluster refuses it.
        """
        kept = _kept(spec, queue, priority)
        wanted = tc.Schedule(
            action=self._action(schedule_id, workflow, version, input_, kept),
            spec=_spec(spec, jitter),
            policy=tc.SchedulePolicy(overlap=_POLICIES[overlap], catchup_window=_catch_up(catch_up)),
            state=tc.ScheduleState(paused=note is not None, note=note or None),
        )
        policy = _POLICIES[overlap]
        missed = [tc.ScheduleBackfill(first, last, policy) for first, last in backfill]
        try:
            made = await self._client.create_schedule(
                schedule_id, wanted, backfill=missed, memo={MOVED_MEMO: moved_from}
            )
        except tc.ScheduleAlreadyRunningError:
            return await self.moved_from(schedule_id) == moved_from
        if note is None:  # the cluster counts from the moment when it made the schedule
            since, made_at = after(until), (await made.describe()).info.created_at
            if since <= made_at:
                await made.backfill(tc.ScheduleBackfill(since, made_at, policy))
        return True

    async def moved_from(self, schedule_id: str) -> str | None:
        """Return the id of the journal that a schedule was moved from; empty for none, None when there is no such schedule."""
        try:
            with self._about(schedule_id):
                found = await self._client.get_schedule_handle(schedule_id).describe()
        except ScheduleNotFoundError:
            return None
        return str(await found.memo_value(MOVED_MEMO, ""))

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
            ScheduleSpecError: `catch_up` is shorter than 10 s, or `jitter` is negative.
        """

        async def changed(old: tc.Schedule) -> tc.Schedule:
            policy, known = old.policy, await self._known(old)
            if overlap is not None:
                policy = dataclasses.replace(policy, overlap=_POLICIES[overlap])
            if catch_up is not None:
                policy = dataclasses.replace(policy, catchup_window=_catch_up(catch_up))
            timing = _spec(spec or known.spec, jitter if jitter is not None else old.spec.jitter or timedelta(0))
            kept = _kept(spec or known.spec, known.kept.queue, known.kept.priority)
            action = self._action(schedule_id, known.workflow, known.version, known.input, kept)
            return dataclasses.replace(old, policy=policy, spec=timing, action=action)

        await self._change(schedule_id, changed)

    async def pause(self, schedule_id: str, note: str) -> None:
        """Start nothing from now on.

        Raises:
            ScheduleNotFoundError: No such schedule.
        """
        with self._about(schedule_id):
            await self._client.get_schedule_handle(schedule_id).pause(note=note or None)

    async def resume(self, schedule_id: str) -> None:
        """Go on with the next time.

        Raises:
            ScheduleNotFoundError: No such schedule.
        """
        with self._about(schedule_id):
            await self._client.get_schedule_handle(schedule_id).unpause()

    async def trigger(self, schedule_id: str) -> str:
        """Start a run now; returns its id.

        Raises:
            ScheduleNotFoundError: No such schedule.
            WorkflowNotFoundError: The workflow is not registered here.
            ClusterUnreachableError: The cluster does not start it.
        """
        async with self._triggering[schedule_id]:
            described = await self.describe(schedule_id)
            self._registry.find(described.workflow, described.version)
            before = {run.id for run in described.last_runs}
            await _next_second([run.scheduled_for for run in described.last_runs])
            with self._about(schedule_id):
                await self._client.get_schedule_handle(schedule_id).trigger(overlap=tc.ScheduleOverlapPolicy.ALLOW_ALL)
            try:
                async with asyncio.timeout(_LONGEST_START_S):
                    while True:  # the cluster starts it in its own time, and only then has it an id
                        for run in (await self.describe(schedule_id)).last_runs:
                            if run.id not in before:
                                return run.id
                        await asyncio.sleep(_ASK_AGAIN_S)
            except TimeoutError:
                reason = f"it took note that schedule {schedule_id!r} was triggered, and shows no run of it"
                raise ClusterUnreachableError(self._address.target, reason) from None

    async def backfill(self, schedule_id: str, start: datetime, end: datetime) -> list[str]:
        """Start a run for each past time of a range that has none; returns their ids once the cluster has them.

        They are called as the schedule itself calls its runs, so that a time that has its run keeps that one. (The cluster's
        own backfill would run it again.)

        Raises:
            ScheduleNotFoundError: No such schedule.
            WorkflowNotFoundError: The workflow is not registered here.
            ValueError: A time is naive or lies in the future, or there are too many.
        """
        with self._about(schedule_id):
            found = await self._client.get_schedule_handle(schedule_id).describe()
        known = await self._known(found.schedule)
        self._registry.find(known.workflow, known.version)
        times = times_between(known.spec, start, end, time.time_ns() // 1_000)
        runs = [_run_id(schedule_id, at_us) for at_us in times]
        for at in range(0, len(runs), _AT_ONCE):
            await asyncio.gather(*(self._filled_in(known, run) for run in runs[at : at + _AT_ONCE]))
        return runs

    async def delete(self, schedule_id: str) -> None:
        """Forget a schedule; its runs go on.

        Raises:
            ScheduleNotFoundError: No such schedule.
        """
        with self._about(schedule_id):
            await self._client.get_schedule_handle(schedule_id).delete()

    async def describe(self, schedule_id: str) -> ScheduleInfo:
        """Return a schedule in full.

        Raises:
            ScheduleNotFoundError: No such schedule.
        """
        with self._about(schedule_id):
            found = await self._client.get_schedule_handle(schedule_id).describe()
        return await self._info(found)

    async def listing(self, limit: int | None, after: str | None) -> list[ScheduleInfo]:
        """Return schedules by id, those that come after an id; None for no limit, and for the beginning."""
        with self._about(""):
            ids = [each.id async for each in await self._client.list_schedules() if after is None or each.id > after]
        found: list[ScheduleInfo] = []
        for schedule_id in sorted(ids):
            if len(found) == limit:
                break
            with suppress(ScheduleNotFoundError):  # the cluster lists it a little longer than it is there
                found.append(await self.describe(schedule_id))
        return found

    @contextmanager
    def _about(self, schedule_id: str) -> Iterator[None]:
        """Turn the cluster's errors about a schedule into the engine's."""
        try:
            yield
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise ScheduleNotFoundError(schedule_id) from error
            check_reached(error, self._address.target)
            raise

    async def _filled_in(self, known: _Known, run_id: str) -> None:
        start = Start(version=known.version, searchable=self._searchable)
        priority = priority_of(known.kept.queue, known.kept.priority, None)
        with suppress(WorkflowAlreadyStartedError):
            await self._starting.begin(known.workflow, run_id, known.input, start, priority=priority)

    def _action(
        self, schedule_id: str, workflow: str, version: str | None, input_: msgspec.Raw, kept: _Spec
    ) -> tc.ScheduleActionStartWorkflow:
        start = Start(version=version, searchable=self._searchable)
        return tc.ScheduleActionStartWorkflow(
            workflow,
            args=[raw(input_), packed(start)],
            id=f"{schedule_id}@",
            task_queue=self._address.task_queue,
            memo={**memo_of(start), _SPEC_MEMO: packed(kept)},
            typed_search_attributes=search_attributes_of(start),
            priority=priority_of(kept.queue, kept.priority, None),
        )

    async def _change(self, schedule_id: str, change: Callable[[tc.Schedule], Awaitable[tc.Schedule]]) -> None:
        async def updater(found: tc.ScheduleUpdateInput) -> tc.ScheduleUpdate:
            return tc.ScheduleUpdate(await change(found.description.schedule))

        with self._about(schedule_id):
            await self._client.get_schedule_handle(schedule_id).update(updater)

    async def _known(self, schedule: tc.Schedule) -> _Known:
        action = schedule.action
        if not isinstance(action, tc.ScheduleActionStartWorkflow):
            raise ScheduleSpecError("the schedule was made by another client: it starts no workflow")
        args, memo = await self._decoded(list(action.args)), dict(action.memo or {})
        (kept,) = await self._decoded([memo[_SPEC_MEMO]]) if _SPEC_MEMO in memo else (None,)
        if kept is None:
            raise ScheduleSpecError("the schedule was made by another client: it does not say when it falls due")
        start = msgspec.json.decode(bytes(args[1]), type=Start) if len(args) > 1 else Start()
        spec = msgspec.json.decode(bytes(kept), type=_Spec)
        return _Known(action.workflow, start.version, args[0] if args else msgspec.Raw(b"null"), spec)

    async def _decoded(self, payloads: list[Any]) -> list[msgspec.Raw]:
        values = await self._client.data_converter.decode(payloads, [RawValue] * len(payloads))
        return [text_of(value.payload) for value in values]

    async def _info(self, found: tc.ScheduleDescription) -> ScheduleInfo:
        known, schedule, info = await self._known(found.schedule), found.schedule, found.info
        return ScheduleInfo(
            id=found.id,
            workflow=known.workflow,
            version=known.version,
            input=msgspec.json.decode(known.input),
            spec=known.spec,
            overlap=next(
                (ours for ours, theirs in _POLICIES.items() if theirs is schedule.policy.overlap), Overlap.SKIP
            ),
            catch_up=schedule.policy.catchup_window or timedelta(0),
            jitter=schedule.spec.jitter or timedelta(0),
            paused=schedule.state.paused,
            note=_note(schedule.state),
            created_at=info.created_at,
            next_times=[] if schedule.state.paused else list(info.next_action_times)[:_SHOWN],
            last_runs=[await self._run(each) for each in reversed(info.recent_actions[-_SHOWN_RUNS:])],
            missed=info.num_actions_missed_catchup_window,
            skipped=info.num_actions_skipped_overlap,
            buffered_for=None,
            queue=known.kept.queue,
            priority=known.kept.priority,
            problem=None,
        )

    async def _run(self, started: tc.ScheduleActionResult) -> ScheduledRun:
        action = started.action
        run_id = action.workflow_id if isinstance(action, tc.ScheduleActionExecutionStartWorkflow) else ""
        try:
            found = await self._client.get_workflow_handle(run_id).describe()
            status: RunStatus | None = status_of(found)
        except RPCError as error:
            check_reached(error, self._address.target)
            status = None  # it is no longer kept
        return ScheduledRun(id=run_id, scheduled_for=started.scheduled_at, status=status)


async def _next_second(taken: list[datetime]) -> None:
    """Wait until no run has this second: the cluster calls runs by it, and drops a second one of the same name."""
    if taken:
        free = max(taken).replace(microsecond=0) + _SECOND_OF_THE_CLUSTER
        await asyncio.sleep(max(0.0, min(free - datetime.now(UTC), _SECOND_OF_THE_CLUSTER).total_seconds()))


def after(moment: datetime) -> datetime:
    """Return the next whole second, the cluster's grain: a backfill takes in what lies a millisecond before its beginning."""
    return moment.replace(microsecond=0) + timedelta(seconds=1)


def _kept(spec: CronSpec | IntervalSpec, queue: str | None, priority: int) -> _Spec:
    if isinstance(spec, CronSpec):
        return _Spec(spec.expression, spec.zone, queue=queue, priority=priority)
    return _Spec(None, "UTC", spec.every // _MICROSECOND, spec.offset // _MICROSECOND, queue, priority)


def _note(state: tc.ScheduleState) -> str:
    """Return why a schedule was paused: the SDK says something where nobody has, and when it is resumed."""
    return state.note if state.paused and state.note and state.note != _UNSAID else ""


def _run_id(schedule_id: str, at_us: int) -> str:
    """Return what the cluster calls the run that a schedule starts for a time."""
    moment = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{schedule_id}@-{moment:%Y-%m-%dT%H:%M:%SZ}"


def _respec(kept: _Spec) -> CronSpec | IntervalSpec:
    if kept.cron is not None:
        return CronSpec(kept.cron, kept.zone)
    return IntervalSpec(kept.every_us * _MICROSECOND, kept.offset_us * _MICROSECOND)


def _spec(spec: CronSpec | IntervalSpec, jitter: timedelta) -> tc.ScheduleSpec:
    if isinstance(spec, CronSpec):
        return tc.ScheduleSpec(cron_expressions=[spec.expression], time_zone_name=spec.zone, jitter=_jitter(jitter))
    return tc.ScheduleSpec(intervals=[tc.ScheduleIntervalSpec(spec.every, spec.offset)], jitter=_jitter(jitter))


def _jitter(jitter: timedelta) -> timedelta | None:
    if jitter < timedelta(0):
        raise ScheduleSpecError("jitter must not be negative")
    return jitter or None


def _catch_up(catch_up: timedelta) -> timedelta:
    if catch_up < _SHORTEST_CATCH_UP:
        raise ScheduleSpecError("catch_up must be ten seconds or more on a Temporal cluster")
    return catch_up
