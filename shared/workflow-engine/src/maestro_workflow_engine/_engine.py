"""The engine: workflows by name, runs by id, on whatever runner the URL names."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload
from urllib.parse import unquote, urlsplit

from maestro_workflow_engine._blocked import BlockedInfo
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._engine_events import EngineEvents
from maestro_workflow_engine._engine_pauses import EnginePauses
from maestro_workflow_engine._engine_runs import EngineRuns
from maestro_workflow_engine._errors import PayloadError, WorkflowDefinitionError, WorkflowError
from maestro_workflow_engine._event_sink import EventSink
from maestro_workflow_engine._handle import WorkflowHandle
from maestro_workflow_engine._history_document import HistorySource, read_history
from maestro_workflow_engine._payload_codec import PayloadCodec
from maestro_workflow_engine._payload_options import DEFAULT_LIMIT_BYTES, DEFAULT_MAX_BYTES, PayloadOptions
from maestro_workflow_engine._payload_store import PayloadStore
from maestro_workflow_engine._queue import Queue
from maestro_workflow_engine._queue_handle import QueueHandle
from maestro_workflow_engine._queue_keeper import QueueInfo
from maestro_workflow_engine._records import HistoryEvent, RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._retention import PurgeReport, Retention
from maestro_workflow_engine._runner import Runner, RunnerOptions
from maestro_workflow_engine._schedule_handle import ScheduleHandle
from maestro_workflow_engine._schedule_input import schedule_input
from maestro_workflow_engine._schedule_records import ScheduleInfo
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap
from maestro_workflow_engine._start_options import StartOptions, StartOptionsError
from maestro_workflow_engine._temporal import temporal_runner
from maestro_workflow_engine._workflow_input import workflow_input
from maestro_workflow_engine.embedded._runner import EmbeddedRunner
from maestro_workflow_engine.embedded._surroundings import Surroundings

if TYPE_CHECKING:
    from maestro_workflow_engine._testing import TimeSkippingEngine

R = TypeVar("R")
_SHORTEST_BLOCK_WARNING = timedelta(milliseconds=10)
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~@-]{0,199}\Z")


class WorkflowEngine(EngineRuns, EnginePauses, EngineEvents):
    """Runs workflows durably. Open it with `async with`.

    Args:
        url: Where runs are kept: `sqlite:///runs.db` (relative), `sqlite:////var/lib/runs.db` (absolute), or `sqlite://`
            for a temporary journal that goes when the engine closes; or a Temporal cluster:
            `temporal://host:port/namespace?task_queue=name` (docs/workflow-engine/temporal.md tells of TLS, keys and limits).
        workflows: The workflows it can run; more can be registered later.
        max_concurrent_workflows: How many runs may have steps running at once; the others wait their turn.
        max_workflows_in_memory: How many runs that only wait stay in memory; the others are taken up again when
            something happens to them.
        queues: The queues that runs can be started in; more can be declared later.
        threads: How many plain (not async) step functions may run at once. Default: twice the processors, at least 8.
        codec: Encodes payloads before they are kept, such as `AesGcmCodec`. Default: they are kept as they are.
        payload_store: Holds large payloads: `file:///folder`, `s3://bucket/prefix`, or a `PayloadStore` with options.
            Default: everything is in the journal.
        payload_limit_bytes: The largest payload, encoded, that goes into the journal when there is a store.
        max_payload_bytes: The largest payload that an engine without a store takes; at least 64 KiB.
        block_warning: How long a workflow, step or anything else may hold the event loop before a warning names it.
            Default 1 s; None for never.
        retention: How long runs are kept once they have ended. Default: for ever.
        event_sink: Where the events go that runs publish, besides those runs here that listen for them: an `HttpEventSink`,
            or any `EventSink`. Default: nowhere.

    Raises:
        WorkflowDefinitionError: A URL names no runner or store, or two workflows share a name and version, or two queues a name.
        ValueError: A limit is too low.
    """

    def __init__(
        self,
        url: str,
        *,
        workflows: Iterable[WorkflowDefinition[..., Any]] = (),
        max_concurrent_workflows: int = 10_000,
        max_workflows_in_memory: int = 1_000,
        queues: Iterable[Queue] = (),
        threads: int | None = None,
        codec: PayloadCodec | None = None,
        payload_store: PayloadStore | str | None = None,
        payload_limit_bytes: int = DEFAULT_LIMIT_BYTES,
        max_payload_bytes: int = DEFAULT_MAX_BYTES,
        block_warning: timedelta | None = timedelta(seconds=1),
        retention: Retention | None = None,
        event_sink: EventSink | None = None,
    ) -> None:
        if block_warning is not None and block_warning < _SHORTEST_BLOCK_WARNING:
            raise ValueError("block_warning must be 10 ms or more, or None")
        store = PayloadStore(payload_store) if isinstance(payload_store, str) else payload_store
        self._registry = WorkflowRegistry(workflows)
        options = RunnerOptions(
            max_concurrent=max_concurrent_workflows,
            max_in_memory=max_workflows_in_memory,
            queues=_distinct(queues),
            threads=threads or max(8, 2 * (os.cpu_count() or 1)),
            payloads=PayloadOptions(codec, store, payload_limit_bytes, max_payload_bytes),
            block_warning=block_warning,
            retention=retention or Retention(),
            event_sink=event_sink,
        )
        self._runner: Runner = (
            temporal_runner(url, self._registry, options)
            if url.startswith("temporal:")
            else EmbeddedRunner(journal_path(url), self._registry, options, surroundings=self._surroundings())
        )

    @staticmethod
    def test(
        workflows: Iterable[WorkflowDefinition[..., Any]] = (),
        *,
        start_time: datetime | None = None,
        auto: bool = True,
        steps: Mapping[Any, Callable[..., Any]] | None = None,  # invariant keys: a narrower type refuses ready dicts
        url: str = "sqlite://",
        seed: int = 0,
        patience: timedelta = timedelta(seconds=10),
        **options: Any,  # as the constructor takes them
    ) -> TimeSkippingEngine:
        """Make an engine for tests, whose time jumps to whatever falls due next: a month takes milliseconds.

        Time moves only while the test waits for it, in `handle.result()`, `engine.watch()` or `engine.time.sleep()`, and
        never while a step runs or the test itself has something to do. Timers, timeouts of `receive`, waits between
        attempts and `result(timeout=...)` all go by it. A step takes real time, and virtual time only where a stand-in
        for it calls `engine.time.sleep()`. The same test takes the same path each time.

        Args:
            workflows: The workflows it can run.
            start_time: The time at first, with a time zone. Default: the beginning of 2030.
            auto: Whether time jumps by itself; if not, only `engine.time.advance()` moves it.
            steps: Functions that run in place of steps, by step or by its name, so that there are no side effects.
            url: Where runs are kept. Default: a temporary journal.
            seed: Of runs' random numbers and retries' jitter.
            patience: How long, in real time, a waiting test puts up with nothing happening before StandstillError tells
                it why. Default 10 s.
            **options: Whatever else the constructor takes.

        Returns:
            The engine; open it with `async with`. Its `time` reads and moves the time.

        Raises:
            WorkflowDefinitionError: A function in `steps` cannot be called as its step is.
            ValueError: `start_time` has no time zone.
        """
        from maestro_workflow_engine._testing import TimeSkippingEngine  # noqa: PLC0415  it derives from this class

        return TimeSkippingEngine(
            url,
            workflows=workflows,
            start_time=start_time,
            auto=auto,
            steps=steps,
            seed=seed,
            patience=patience,
            **options,
        )

    def _surroundings(self) -> Surroundings:
        return Surroundings()

    async def __aenter__(self) -> Self:
        """Open the engine and take up every unfinished run.

        Raises:
            JournalLockedError: Another engine has the journal open.
            JournalCorruptError: The journal is damaged or no journal.
            JournalVersionError: A newer release wrote the journal.
            JournalError: The journal cannot be opened.
            ClusterUnreachableError: The cluster does not answer, does not let this client in, or has no such namespace.
                Nothing is kept of the try; open it again later.
        """
        await self._runner.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine. Unfinished runs go on when it is next opened."""
        await self._runner.close()

    @property
    def failure(self) -> WorkflowError | None:
        """Why nothing new can be accepted at the moment (a full disk); None when all is well."""
        return self._runner.failure

    async def check(self) -> None:
        """Ask whether runs can be accepted now: what a readiness check wants to know. On a cluster that is a call to it.

        Raises:
            EngineClosedError: The engine is not open.
            JournalWriteError: The journal, or the payload store, cannot be written at the moment.
            ClusterUnreachableError: The cluster does not answer, or does not let this client in.
        """
        await self._runner.check()

    @property
    def blocked(self) -> BlockedInfo | None:
        """What has held the event loop for longer than `block_warning`; None when nothing does.

        While the loop is held nothing on it can ask: read this from another thread.
        """
        return self._runner.blocked

    @property
    def workflows(self) -> list[WorkflowDefinition[..., Any]]:
        """The registered workflows, every version."""
        return list(self._registry)

    def register(self, definition: WorkflowDefinition[..., Any]) -> None:
        """Register a workflow; runs that waited for it go on.

        Args:
            definition: The workflow. Several versions of one name live side by side.

        Raises:
            WorkflowDefinitionError: It is no workflow, or another one has this name and version.
        """
        self._registry.add(definition)
        self._runner.registered(definition)

    def declare_queue(self, queue: Queue) -> None:
        """Declare a queue, or change the limits of the one of this name. Runs that have begun stay; those that wait follow.

        A declaration lasts as long as the engine: the next one declares its queues itself.

        Args:
            queue: The queue.
        """
        self._runner.declare(queue)

    def queue(self, name: str) -> QueueHandle:
        """Return a handle on a queue, whether there is one or not."""
        return QueueHandle(self._runner, name)

    async def queues(self) -> list[QueueInfo]:
        """List the queues as they stand, by name: those that are declared, and any other that runs wait in."""
        return self._runner.queues.listing()

    @overload
    async def start(
        self,
        workflow: WorkflowDefinition[..., R],
        /,
        *args: Any,
        id: str | None = None,
        options: StartOptions | None = None,
        **kwargs: Any,
    ) -> WorkflowHandle[R]: ...
    @overload
    async def start(
        self, workflow: str, /, *args: Any, id: str | None = None, options: StartOptions | None = None
    ) -> WorkflowHandle[Any]: ...
    async def start(
        self,
        workflow: WorkflowDefinition[..., Any] | str,
        /,
        *args: Any,
        id: str | None = None,  # noqa: A002  the field's term
        options: StartOptions | None = None,
        **kwargs: Any,
    ) -> WorkflowHandle[Any]:
        """Start a run; returns once it is kept, whether it begins at once or waits for its turn.

        Args:
            workflow: The workflow, or its name ("name" or "name:version").
            *args: Its arguments. By name: the one input value, as JSON; of several parameters, an object.
            id: The run's id. A run that has it already is returned instead of a second one being started, whatever its
                input was and unless `options` say otherwise. Default: a new one.
            options: In which queue and when it begins, what happens when there is such a run, and its search attributes.
                Default: it begins at once.
            **kwargs: Its keyword arguments.

        Returns:
            A handle on the run.

        Raises:
            WorkflowNotFoundError: It is not registered.
            WorkflowConflictError: The id belongs to a run of another workflow.
            RunExistsError: There is such a run, and `options` say that this is an error.
            QueueNotFoundError: The queue is not declared.
            StartOptionsError: `options` are none, or debounce with an id.
            PayloadError: The arguments do not fit the workflow, or are too large for an engine without a payload store.
            JournalWriteError: The run cannot be kept at the moment; it was not started.
        """
        if options is not None and not isinstance(options, StartOptions):
            raise StartOptionsError(
                "options takes StartOptions; pass a workflow's own argument of that name by position"
            )
        if options is not None and options.debounce is not None and id is not None:
            raise StartOptionsError("debounce and id do not go together: several starts share one run")
        definition, _, raw = workflow_input(self._registry, workflow, args, kwargs)
        _check_id(id)
        run_id = await self._runner.starting.start(definition, id, raw, options)
        return WorkflowHandle(self._runner, run_id, None if isinstance(workflow, str) else definition)

    async def fork(self, run_id: str, *, step: int, id: str | None = None) -> WorkflowHandle[Any]:  # noqa: A002  the field's term
        """Start a new run that begins with another's history, up to where a step first shows in it.

        What completed before is taken over and does not run again; the step and all that followed run anew, with the code
        that is registered now.

        Args:
            run_id: The run to fork, in whatever state.
            step: The step's number: `seq` in the history.
            id: The new run's id. Default: a new one.

        Returns:
            A handle on the new run.

        Raises:
            WorkflowNotFoundError: No such run.
            StepNotFoundError: Its history has no such step.
            HistoryPurgedError: Its history was purged.
            WorkflowConflictError: The new id is taken.
            PayloadError: The new id is none.
            JournalWriteError: The new run cannot be kept at the moment.
        """
        _check_id(id)
        return WorkflowHandle(self._runner, await self._runner.starting.fork(run_id, step, id))

    def handle(self, run_id: str) -> WorkflowHandle[Any]:
        """Return a handle on a run, whether there is one or not."""
        return WorkflowHandle(self._runner, run_id)

    async def import_run(
        self,
        document: HistorySource,
        *,
        id: str | None = None,  # noqa: A002  the field's term
    ) -> WorkflowHandle[Any]:
        """Take a run over from another journal; returns once it is kept. One that has not ended goes on here.

        The run stands alone: it is nobody's child here, and it starts children that have not ended anew. Let it go on in
        one place only, or its steps run in both.

        Args:
            document: What `export_history()` returned, its JSON text, or the path of a file with it.
            id: Its id here. Default: the one it has.

        Returns:
            A handle on the run.

        Raises:
            HistoryFormatError: The document cannot be read, or its history has gaps.
            WorkflowConflictError: There is a run with this id.
            PayloadError: The id is no run id.
            JournalWriteError: The run cannot be kept at the moment; it was not taken over.
        """
        history = read_history(document)
        run_id = history.run_id if id is None else id
        if not _RUN_ID.match(run_id):
            raise PayloadError(f"{run_id!r} is no run id: use up to 200 letters, digits and . _ : ~ @ -")
        await self._runner.starting.import_run(history, run_id)
        return WorkflowHandle(self._runner, run_id)

    async def schedule(
        self,
        schedule_id: str,
        workflow: WorkflowDefinition[..., Any] | str,
        /,
        *args: Any,
        spec: CronSpec | IntervalSpec,
        overlap: Overlap | str = Overlap.SKIP,
        catch_up: timedelta = timedelta(hours=1),
        paused: bool = False,
        jitter: timedelta | None = None,
        queue: str | None = None,
        priority: int = 5,
    ) -> ScheduleHandle:
        """Start a workflow again and again; returns once the schedule is kept.

        Args:
            schedule_id: The schedule's id. The same id again is the same schedule; what differs in its definition is changed.
                The run for a time is called `<schedule id>@<time in UTC>`.
            workflow: The workflow, or its name ("name" or "name:version").
            *args: Its arguments. By name: the one input value, as JSON.
            spec: When it falls due.
            overlap: What happens when a run it started has not ended. Default: this time is skipped.
            catch_up: How late a run may start after the engine was away; what is later is counted as missed. Default 1 h.
            paused: Whether a new schedule waits for `resume()`. One that exists stays as it is. Default: it does not.
            jitter: The longest delay that is added to each time, so that many schedules do not start in step. Default: none.
            queue: The queue its runs wait in. Default: they begin at once.
            priority: Their place in the queue, 0 (most urgent) to 9.

        Returns:
            A handle on the schedule.

        Raises:
            ScheduleSpecError: The id is none, or `catch_up` (at least 1 s) or `jitter` is too short.
            WorkflowNotFoundError: The workflow is not registered.
            QueueNotFoundError: The queue is not declared.
            StartOptionsError: The priority is none, or comes without a queue.
            PayloadError: The arguments do not fit the workflow.
            JournalWriteError: It cannot be kept at the moment; nothing was changed.
        """
        StartOptions(queue=queue, priority=priority)  # refuses what does not go together
        definition, version, raw = schedule_input(self._registry, schedule_id, workflow, args)
        await self._runner.schedules.put(
            schedule_id,
            definition,
            version,
            raw,
            spec=spec,
            overlap=Overlap(overlap),
            catch_up=catch_up,
            jitter=jitter or timedelta(0),
            paused=paused,
            queue=queue,
            priority=priority,
        )
        return ScheduleHandle(self._runner, schedule_id)

    def schedule_handle(self, schedule_id: str) -> ScheduleHandle:
        """Return a handle on a schedule, whether there is one or not."""
        return ScheduleHandle(self._runner, schedule_id)

    async def schedules(self, *, limit: int | None = None, after: str | None = None) -> list[ScheduleInfo]:
        """List the schedules, by id.

        Args:
            limit: The most to return, 1 or more. Default: all.
            after: Only those whose ids come after this one, whether there is such a schedule or not.

        Raises:
            ValueError: The limit is none.
        """
        if limit is not None and limit < 1:
            raise ValueError("limit must be 1 or more")
        return await self._runner.schedules.listing(limit, after)

    async def purge(
        self,
        *,
        older_than: timedelta,
        status: RunStatus | str | Iterable[RunStatus | str] | None = None,
        workflow: str | None = None,
    ) -> PurgeReport:
        """Delete runs that ended long enough ago, in portions small enough not to hold up others; returns once they are gone.

        Their ids are free then: a start with one of them starts a new run. What `Retention` keeps for longer goes as well.

        Args:
            older_than: How long ago a run must have ended.
            status: How it must have ended; one status or several. Default: in whatever way.
            workflow: Only runs of this workflow.

        Returns:
            What was deleted, and how many runs were held back: an open child needs them, the retry of a parent does, or
            somebody follows them.

        Raises:
            ValueError: The status is that of an open run, or the age is negative.
            JournalWriteError: The journal cannot be written at the moment; what is gone by then stays gone.
        """
        statuses = _ended(status, older_than)
        return await self._runner.purging.purge(older_than=older_than, statuses=statuses, workflow=workflow)

    async def purgeable(
        self,
        *,
        older_than: timedelta,
        status: RunStatus | str | Iterable[RunStatus | str] | None = None,
        workflow: str | None = None,
    ) -> PurgeReport:
        """Return what `purge` with the same arguments would report, and delete nothing.

        Args:
            older_than: How long ago a run must have ended.
            status: How it must have ended; one status or several. Default: in whatever way.
            workflow: Only runs of this workflow.

        Raises:
            ValueError: The status is that of an open run, or the age is negative.
        """
        statuses = _ended(status, older_than)
        return await self._runner.purging.purgeable(older_than=older_than, statuses=statuses, workflow=workflow)

    def watch(self, run_id: str, *, after: int = -1) -> AsyncIterator[HistoryEvent]:
        """Follow a run: its history so far, then each event as it happens; ends with the run.

        Args:
            run_id: The run's id.
            after: Only events after this position.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        return self._runner.reading.watch(run_id, after)


def _check_id(run_id: str | None) -> None:
    if run_id is not None and not _RUN_ID.match(run_id):
        raise PayloadError(f"{run_id!r} is no run id: use up to 200 letters, digits and . _ : ~ @ -")


_ENDED = frozenset(status for status in RunStatus if not status.is_open)


def _ended(status: RunStatus | str | Iterable[RunStatus | str] | None, older_than: timedelta) -> frozenset[RunStatus]:
    if older_than < timedelta(0):
        raise ValueError("older_than cannot be negative")
    if status is None:
        return _ENDED
    statuses = frozenset(map(RunStatus, [status] if isinstance(status, str) else status))
    if not statuses or not statuses <= _ENDED:
        raise ValueError(f"only runs that have ended can be purged: status is one of {', '.join(sorted(_ENDED))}")
    return statuses


def _distinct(queues: Iterable[Queue]) -> list[Queue]:
    by_name: dict[str, Queue] = {}
    for queue in queues:
        if queue.name in by_name:
            raise WorkflowDefinitionError(f"queue {queue.name!r} is declared twice")
        by_name[queue.name] = queue
    return list(by_name.values())


def journal_path(url: str) -> str:
    """Return the file that a `sqlite:` URL names; empty for a temporary one.

    Raises:
        WorkflowDefinitionError: It is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc:
        raise WorkflowDefinitionError(
            f"{url!r} names no runner: use sqlite:///file.db (relative), sqlite:////path/file.db (absolute), sqlite:// (temporary) or temporal://host:port/namespace?task_queue=name"
        )
    return unquote(parts.path.removeprefix("/"))
