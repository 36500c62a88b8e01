"""Schedules: what callers may ask of the engine about them, in the words of the catalog."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from maestro.domain.catalog import Catalog, public_name
from maestro.domain.errors import (
    Fault,
    InvalidInputError,
    InvalidRequestError,
    ScheduleExistsError,
    ScheduleInputUnknownError,
    UnusableWorkflowError,
)
from maestro_workflow_engine import (
    CronSpec,
    IntervalSpec,
    Overlap,
    RunDetail,
    ScheduleInfo,
    ScheduleNotFoundError,
    WorkflowEngine,
    WorkflowNotFoundError,
)

_USUAL_PRIORITY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDefinition:
    """What a schedule starts, and when."""

    workflow: str
    """"namespace/name" for whatever version is the latest when it falls due, or "namespace/name:version"."""
    input: Any
    """The input of its runs, any JSON value."""
    spec: CronSpec | IntervalSpec
    overlap: Overlap
    catch_up: timedelta
    jitter: timedelta
    queue: str | None = None
    """The queue its runs wait in; None when they begin at once."""
    priority: int = _USUAL_PRIORITY
    """Their place in the queue, 0 (most urgent) to 9."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTiming:
    """Changes of when a schedule starts its runs; None leaves things as they are."""

    spec: CronSpec | IntervalSpec | None = None
    overlap: Overlap | None = None
    catch_up: timedelta | None = None
    jitter: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ScheduleWork:
    """Changes of what a schedule starts, and where it waits."""

    workflow: str | None = None
    """None for the one it starts now."""
    input: tuple[Any] | None = None
    """The new input, alone in a tuple because null is an input, too; None for the one it has now."""
    queue: tuple[str | None] | None = None
    """The new queue, in the same way."""
    priority: int | None = None
    """None for the one they have now."""


class ScheduleSettled(NamedTuple):
    """A schedule that was defined, and whether it is new."""

    schedule: ScheduleInfo
    is_new: bool


class Schedules:
    """The schedules of a running orchestrator.

    Args:
        engine: Runs the workflows; open.
        catalog: The workflows there are.
    """

    def __init__(self, engine: WorkflowEngine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog
        # Whoever looks before writing does so alone: otherwise two could both find an id free, or bring back what was deleted.
        self._turn = asyncio.Lock()

    async def listing(self, *, limit: int, after: str | None) -> list[ScheduleInfo]:
        """List schedules, by id.

        Args:
            limit: The most to return.
            after: Only those whose ids come after this one.
        """
        return await self._engine.schedules(limit=limit, after=after)

    async def get(self, schedule_id: str) -> ScheduleInfo:
        """Return a schedule in full.

        Raises:
            ScheduleNotFoundError: There is no such schedule.
        """
        return await self._engine.schedule_handle(schedule_id).describe()

    async def create(self, schedule_id: str, definition: ScheduleDefinition, *, paused: bool) -> ScheduleInfo:
        """Make a schedule; returns once it is kept.

        Raises:
            ScheduleExistsError: There is one of this id.
            UnknownWorkflowError: There is no such workflow.
            UnusableWorkflowError: It cannot run at the moment.
            InvalidInputError: The input does not fit the document's schema.
            WorkflowError: The engine refuses: see `WorkflowEngine.schedule`.
        """
        async with self._turn:
            if await self._known(schedule_id) is not None:
                raise ScheduleExistsError(schedule_id)
            return await self._defined(schedule_id, definition, paused=paused)

    async def define(self, schedule_id: str, definition: ScheduleDefinition, *, paused: bool) -> ScheduleSettled:
        """Make a schedule, or give the one of this id a new definition; returns once it is kept.

        Args:
            schedule_id: Its id.
            definition: The definition.
            paused: Whether a new schedule waits to be resumed. One that is there stays as it is.

        Raises:
            UnknownWorkflowError: There is no such workflow.
            UnusableWorkflowError: It cannot run at the moment.
            InvalidInputError: The input does not fit the document's schema.
            WorkflowError: The engine refuses: see `WorkflowEngine.schedule`.
        """
        async with self._turn:
            is_new = await self._known(schedule_id) is None
            return ScheduleSettled(await self._defined(schedule_id, definition, paused=paused), is_new)

    async def change(self, schedule_id: str, timing: ScheduleTiming, work: ScheduleWork) -> ScheduleInfo:
        """Change some of a schedule's settings, all of them at once; returns once that is kept.

        Raises:
            ScheduleNotFoundError: There is no such schedule.
            ScheduleInputUnknownError: The workflow is to change, and the input that should stay cannot be read.
            UnknownWorkflowError: There is no such workflow.
            UnusableWorkflowError: It cannot run at the moment.
            InvalidInputError: The input does not fit the document's schema.
            WorkflowError: The engine refuses: see `ScheduleHandle.update`.
        """
        handle = self._engine.schedule_handle(schedule_id)
        async with self._turn:
            if work == ScheduleWork():
                await handle.update(
                    spec=timing.spec, overlap=timing.overlap, catch_up=timing.catch_up, jitter=timing.jitter
                )
                return await handle.describe()
            now = await handle.describe()
            if work.input is None and now.problem is not None:
                raise ScheduleInputUnknownError(schedule_id, now.problem)
            definition = ScheduleDefinition(
                workflow=work.workflow or reference(now),
                input=now.input if work.input is None else work.input[0],
                spec=timing.spec or now.spec,
                overlap=timing.overlap or now.overlap,
                catch_up=now.catch_up if timing.catch_up is None else timing.catch_up,
                jitter=now.jitter if timing.jitter is None else timing.jitter,
                queue=now.queue if work.queue is None else work.queue[0],
                priority=_priority(now, work),
            )
            return await self._defined(schedule_id, definition, paused=now.paused)

    async def pause(self, schedule_id: str, reason: str) -> ScheduleInfo:
        """Start nothing from now on; returns once that is kept.

        Raises:
            ScheduleNotFoundError: There is no such schedule.
            WorkflowError: The engine refuses: see `ScheduleHandle.pause`.
        """
        handle = self._engine.schedule_handle(schedule_id)
        await handle.pause(reason)
        return await handle.describe()

    async def resume(self, schedule_id: str) -> ScheduleInfo:
        """Go on with the next time; returns once that is kept.

        Raises:
            ScheduleNotFoundError: There is no such schedule.
            WorkflowError: The engine refuses: see `ScheduleHandle.resume`.
        """
        handle = self._engine.schedule_handle(schedule_id)
        await handle.resume()
        return await handle.describe()

    async def trigger(self, schedule_id: str) -> RunDetail:
        """Start a run now; returns once it is kept.

        Raises:
            ScheduleNotFoundError: There is no such schedule.
            UnusableWorkflowError: Its workflow is not registered.
            WorkflowError: The engine refuses: see `ScheduleHandle.trigger`.
        """
        with _about_workflow():
            run = await self._engine.schedule_handle(schedule_id).trigger()
        return await run.status()

    async def backfill(self, schedule_id: str, start: datetime, end: datetime) -> list[str]:
        """Start a run for each past time of a range that has none; returns once they are kept.

        Args:
            schedule_id: The schedule.
            start: The first time, aware.
            end: Where to stop, aware; this time itself is left out.

        Returns:
            The ids of the runs of all these times, in order.

        Raises:
            ScheduleNotFoundError: There is no such schedule.
            InvalidRequestError: The range lies in the future, or holds too many times.
            UnusableWorkflowError: Its workflow is not registered.
            WorkflowError: The engine refuses: see `ScheduleHandle.backfill`.
        """
        with _about_workflow():
            try:
                runs = await self._engine.schedule_handle(schedule_id).backfill(start, end)
            except ValueError as error:
                raise InvalidRequestError(Fault("end", str(error))) from error
        return [run.id for run in runs]

    async def delete(self, schedule_id: str) -> None:
        """Forget a schedule; its runs go on.

        Raises:
            ScheduleNotFoundError: There is no such schedule.
            WorkflowError: The engine refuses: see `ScheduleHandle.delete`.
        """
        async with self._turn:
            await self._engine.schedule_handle(schedule_id).delete()

    async def _known(self, schedule_id: str) -> ScheduleInfo | None:
        try:
            return await self._engine.schedule_handle(schedule_id).describe()
        except ScheduleNotFoundError:
            return None

    async def _defined(self, schedule_id: str, definition: ScheduleDefinition, *, paused: bool) -> ScheduleInfo:
        found = self._catalog.find(definition.workflow)
        if found.problem is not None:
            raise UnusableWorkflowError(str(found.key), found.problem)
        fault = found.check_input(definition.input)
        if fault is not None:
            raise InvalidInputError(fault)
        _, _, version = definition.workflow.partition(":")
        handle = await self._engine.schedule(
            schedule_id,
            f"{found.engine_name}:{version}" if version else found.engine_name,
            definition.input,
            spec=definition.spec,
            overlap=definition.overlap,
            catch_up=definition.catch_up,
            jitter=definition.jitter,
            queue=definition.queue,
            priority=definition.priority,
            paused=paused,
        )
        return await handle.describe()


def _priority(now: ScheduleInfo, work: ScheduleWork) -> int:
    if work.priority is not None:
        return work.priority
    left_the_queue = work.queue == (None,)
    return _USUAL_PRIORITY if left_the_queue else now.priority


def reference(schedule: ScheduleInfo) -> str:
    """Return what a schedule starts: "namespace/name", with ":version" when it holds on to one."""
    name = public_name(schedule.workflow)
    return name if schedule.version is None else f"{name}:{schedule.version}"


@contextmanager
def _about_workflow() -> Iterator[None]:
    """A workflow that a schedule needs and that is not registered is no fault of whoever asks about the schedule."""
    try:
        yield
    except WorkflowNotFoundError as error:
        raise UnusableWorkflowError(public_name(error.name), str(error)) from error
