"""A Temporal cluster as the target of a move."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Self
from urllib.parse import quote

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from maestro_workflow_engine._errors import ClusterUnreachableError, WorkflowError, WorkflowNotFoundError
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine._queue import Queue
from maestro_workflow_engine._records import moment
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._runner import RunnerOptions
from maestro_workflow_engine._schedule_spec import Overlap
from maestro_workflow_engine.embedded._attribute_rows import attributes_of
from maestro_workflow_engine.embedded._schedule_rows import Interval, spec_of
from maestro_workflow_engine.moving._departing_schedules import DepartingSchedule, now_us
from maestro_workflow_engine.moving._errors import MoveError
from maestro_workflow_engine.moving._families import Member
from maestro_workflow_engine.moving._target import RefusedError
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._calls import about
from maestro_workflow_engine.temporal._history import has_not_begun
from maestro_workflow_engine.temporal._payloads import EngineCodec
from maestro_workflow_engine.temporal._priority import priority_of
from maestro_workflow_engine.temporal._run_reading import TemporalReading
from maestro_workflow_engine.temporal._run_starting import TemporalStarting
from maestro_workflow_engine.temporal._runner import TemporalRunner
from maestro_workflow_engine.temporal._schedules import TemporalSchedules, after
from maestro_workflow_engine.temporal._search import MOVED_MEMO, prepared
from maestro_workflow_engine.temporal._sizes import Sizes
from maestro_workflow_engine.temporal._unsupported import UnlimitedQueues
from maestro_workflow_engine.temporal._wire import Start, packed, raw

_USUAL_LIMIT_BYTES = 2 * 1024 * 1024
_SHORTEST_CATCH_UP_US = 10_000_000
_SECOND_US = 1_000_000
_ANY_SIZE = 1 << 62


class ClusterTarget:
    """A namespace of a cluster and a task queue in it. No worker is started here. Use `opened`.

    Attributes:
        url: Its URL, without options that name files.
    """

    def __init__(
        self,
        client: Client,
        address: TemporalAddress,
        payloads: PayloadOptions,
        *,
        origin: str,
        without_limits: Collection[str],
        limit_bytes: int,
    ) -> None:
        self.url = f"temporal://{address.target}/{quote(address.namespace)}?task_queue={quote(address.task_queue)}"
        self._client = client
        self._address = address
        self._origin = origin
        self._without_limits = frozenset(without_limits)
        self._limit_bytes = limit_bytes
        self._is_stored = payloads.store is not None
        self._sizes = Sizes(payloads)
        self._measure = EngineCodec(dataclasses.replace(payloads, store=None, max_bytes=_ANY_SIZE))
        self._queues = UnlimitedQueues(tuple(Queue(name) for name in without_limits))
        self._reading: TemporalReading | None = None
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, address: TemporalAddress, options: RunnerOptions, *, origin: str, without_limits: Collection[str]
    ) -> AsyncIterator[Self]:
        """Connect.

        Args:
            address: The cluster.
            options: How payloads are kept.
            origin: The id of the journal that runs come from.
            without_limits: Queues whose limits may be given up.

        Yields:
            The target.

        Raises:
            ClusterUnreachableError: The cluster does not answer, or does not let this client in.
            MoveError: It has no such namespace.
        """
        client = await TemporalRunner(address, WorkflowRegistry(), options).connect()
        asked = DescribeNamespaceRequest(namespace=address.namespace)
        try:
            with about("", address.target):
                found = await client.workflow_service.describe_namespace(asked)
        except WorkflowNotFoundError as error:
            raise MoveError(
                f"the cluster at {address.target} has no namespace {address.namespace!r}: make it there first"
            ) from error
        limit = found.namespace_info.limits.blob_size_limit_error or _USUAL_LIMIT_BYTES
        yield cls(client, address, options.payloads, origin=origin, without_limits=without_limits, limit_bytes=limit)

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def judge(self, member: Member, *, is_first: bool, is_under_way: bool) -> None:
        """See `Target.judge`."""
        if not member.events:
            return  # it could not be read, which is a reason already
        self._judge_admission(member)
        await self._judge_sizes(member, is_first=is_first)
        if not is_under_way and await self._origin_of(member.row.id) is not None:
            member.reasons.append(f"the cluster has a run of the id {member.row.id!r} already")

    async def take(self, family: Member) -> None:
        """See `Target.take`."""
        row, started, place = family.row, family.started, family.admission
        priority = Priority.default if place is None else priority_of(place.queue, place.priority, place.tenant)
        reading = await self._prepared()
        starting = TemporalStarting(self._client, self._address, reading, self._queues, self._sizes)
        start = self._start(family, is_first=True)
        try:
            with _refusals(self._address.target):
                await starting.begin(row.workflow, row.id, started.input, start, priority=priority)
        except WorkflowAlreadyStartedError:
            if await self._origin_of(row.id) != self._origin:
                raise RefusedError(f"the cluster has a run of the id {row.id!r} already") from None

    def _start(self, member: Member, *, is_first: bool) -> Start:
        started, place = member.started, member.admission
        not_before_us = place.start_us if place is not None and has_not_begun(member.events) else 0
        return Start(
            version=member.row.version,
            trace=started.trace,
            prologue=tuple(member.events),
            attributes=attributes_of(member.events) or None,
            not_before_us=not_before_us,
            searchable=self._reading is not None and self._reading.searchable,
            children={seq: self._start(child, is_first=False) for seq, child in member.children.items()} or None,
            parent_id=member.parent_id if is_first else None,
            moved_from=self._origin,
        )

    def _judge_admission(self, member: Member) -> None:
        place = member.admission
        if place is None:
            return
        if not has_not_begun(member.events):
            if place.queue is not None:
                member.notes.append(f"the limits of queue {place.queue!r} no longer hold for it")
            if place.singleton is not None:
                member.notes.append(f"it no longer keeps other runs of the key {place.singleton!r} from beginning")
            return
        if place.singleton is not None:
            member.reasons.append("it waits for another run of its singleton key, which a cluster has not")
        if place.debounce is not None:
            member.reasons.append("it is debounced, which a cluster cannot do: move it once it has begun")
        if place.queue is not None and place.queue not in self._without_limits:
            member.reasons.append(
                f"it waits in queue {place.queue!r}, and a cluster has no queues with limits: name the queue in"
                " without_limits, and it begins there at once"
            )

    async def _judge_sizes(self, member: Member, *, is_first: bool) -> None:
        if self._is_stored:
            return  # what is large goes to the store
        sizes = {name: size for name, size in member.inputs.items() if size > self._limit_bytes}
        values = [raw(member.started.input).payload]
        if is_first:  # those of its children are within its own
            values.append(packed(self._start(member, is_first=True)).payload)
        for what, payload in zip(("input", "history"), await self._measure.encode(values), strict=False):
            if payload.ByteSize() > self._limit_bytes:
                sizes[what] = payload.ByteSize()
        member.reasons.extend(
            f"its {what} has {size:,} bytes, and the cluster takes {self._limit_bytes:,}: use a payload store for both engines"
            for what, size in sizes.items()
        )

    async def _origin_of(self, run_id: str) -> str | None:
        """Return the journal that a run of the cluster was moved from; empty for none, None when there is no such run."""
        try:
            with _refusals(self._address.target), about(run_id, self._address.target):
                found = await self._client.get_workflow_handle(run_id).describe()
        except WorkflowNotFoundError:
            return None
        return str(await found.memo_value(MOVED_MEMO, ""))

    async def _prepared(self) -> TemporalReading:
        async with self._turn:
            if self._reading is None:
                searchable = await prepared(self._client, self._address.target)
                self._reading = TemporalReading(self._client, self._address, searchable=searchable)
        return self._reading

    # ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────

    async def judge_schedule(self, schedule: DepartingSchedule, *, is_under_way: bool) -> tuple[list[str], list[str]]:
        """See `Target.judge_schedule`."""
        settings, reasons, notes = schedule.settings, list[str](), list[str]()
        if settings.catch_up_us < _SHORTEST_CATCH_UP_US:
            reasons.append("its catch_up is shorter than ten seconds, which is the cluster's least: change it first")
        spec = settings.spec
        if isinstance(spec, Interval) and (spec.every_us % _SECOND_US or spec.offset_us % _SECOND_US):
            reasons.append("it falls due at parts of a second, and a cluster counts whole seconds: change it first")
        if settings.queue is not None and settings.queue not in self._without_limits:
            reasons.append(
                f"its runs wait in queue {settings.queue!r}, and a cluster has no queues with limits: name the queue in"
                " without_limits"
            )
        if schedule.progress.active and settings.overlap is not Overlap.ALLOW:
            there = ", ".join(schedule.progress.active)
            notes.append(f"its overlap policy no longer counts the runs that it has started: {there}")
        if not is_under_way and await self._schedules().moved_from(schedule.id) is not None:
            reasons.append(f"the cluster has a schedule of the id {schedule.id!r} already")
        return reasons, notes

    async def take_schedule(self, schedule: DepartingSchedule) -> None:
        """See `Target.take_schedule`."""
        settings, now = schedule.settings, now_us()
        await self._prepared()
        with _refusals(self._address.target):
            is_there = await self._schedules().take_over(
                schedule.id,
                workflow=settings.workflow,
                version=settings.version,
                input_=schedule.input,
                spec=spec_of(settings.spec),
                overlap=settings.overlap,
                catch_up=timedelta(microseconds=settings.catch_up_us),
                jitter=timedelta(microseconds=settings.jitter_us),
                note=schedule.note if settings.paused else None,
                queue=settings.queue,
                priority=settings.priority,
                backfill=_whole_seconds(schedule.owed(now)),
                until=moment(now),
                moved_from=self._origin,
            )
        if not is_there:
            raise RefusedError(f"the cluster has a schedule of the id {schedule.id!r} already")

    def _schedules(self) -> TemporalSchedules:
        reading = self._reading or TemporalReading(self._client, self._address, searchable=False)
        starting = TemporalStarting(self._client, self._address, reading, self._queues, self._sizes)
        return TemporalSchedules(self._client, reading, self._address, WorkflowRegistry(), self._queues, starting)


def _whole_seconds(stretches: list[tuple[int, int]]) -> list[tuple[datetime, datetime]]:
    """Return stretches of time that begin at whole seconds: times between them do not fall due."""
    begun = [(after(moment(first - 1)), moment(last)) for first, last in stretches]
    return [(first, last) for first, last in begun if first <= last]


@contextmanager
def _refusals(target: str) -> Iterator[None]:
    """Tell what the cluster will never take from what may work the next time."""
    try:
        yield
    except RPCError as error:
        is_final = error.status is RPCStatusCode.INVALID_ARGUMENT or "larger than max" in error.message
        wrong: WorkflowError = (
            RefusedError(f"the cluster refuses it: {error.message}")
            if is_final
            else ClusterUnreachableError(target, error.message)
        )
        raise wrong from error
