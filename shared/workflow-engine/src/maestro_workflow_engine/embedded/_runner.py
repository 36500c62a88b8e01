"""The embedded runner: what callers ask of it, on top of the core."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from datetime import timedelta
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from maestro_workflow_engine._blocked import BlockedInfo
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import (
    EngineClosedError,
    JournalError,
    JournalWriteError,
    QueryNotFoundError,
    WorkflowCancelledError,
    WorkflowConflictError,
    WorkflowEndedError,
    WorkflowError,
    WorkflowFailedError,
    WorkflowNotFoundError,
    WorkflowTerminatedError,
)
from maestro_workflow_engine._history_document import HistoryDocument, history_document
from maestro_workflow_engine._payload_errors import PayloadStoreError, PayloadUnreadableError
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine._records import (
    HistoryEvent,
    RunDetail,
    RunPage,
    RunStatus,
    history_event,
    moment,
    terminal,
)
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._runner import Reading
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._branching import before_step, forked, redrives
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._downloads import Downloads
from maestro_workflow_engine.embedded._importing import import_run
from maestro_workflow_engine.embedded._journal import Journal, Write
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._loading import replay
from maestro_workflow_engine.embedded._lock import JournalLock
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._schedules import Schedules
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._surroundings import Surroundings
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.embedded._watchdog import Watchdog
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _events as ev

_propagator = TraceContextTextMapPropagator()
_RECOVERED_AT_ONCE = 100


class EmbeddedRunner:
    """Runs workflows in this process and keeps them in one SQLite file.

    Args:
        path: The journal's file; empty for a temporary one that goes when the runner closes.
        registry: The workflows it can run.
        max_concurrent: How many runs may have steps running at once.
        max_in_memory: How many waiting runs stay in memory.
        threads: How many plain step functions may run at once.
        surroundings: Time, disk and stand-ins for steps.
        payloads: How payloads are kept.
        block_warning: How long something may hold the event loop before it is named; None for never.
    """

    def __init__(
        self,
        path: str,
        registry: WorkflowRegistry,
        *,
        max_concurrent: int,
        max_in_memory: int,
        threads: int,
        surroundings: Surroundings,
        payloads: PayloadOptions,
        block_warning: timedelta | None,
    ) -> None:
        self._path = path
        self._registry = registry
        self._options = {"max_concurrent": max_concurrent, "max_in_memory": max_in_memory, "threads": threads}
        self._surroundings = surroundings
        self._clock = surroundings.clock
        self._payloads = payloads
        self._sealer = Sealer(payloads)
        self._downloads: Downloads | None = None
        self._stack = AsyncExitStack()
        self._uploads: Uploads | None = None
        self._opened: tuple[Core, JournalReader, Journal] | None = None
        self._schedules: Schedules | None = None
        self._watchdog = None if block_warning is None else Watchdog(block_warning)

    async def open(self) -> None:
        """Open the journal and take up every unfinished run.

        Raises:
            JournalLockedError: Another engine has it open.
            JournalCorruptError: It is damaged or no journal.
            JournalVersionError: A newer release wrote it.
            JournalError: It cannot be opened.
        """
        async with AsyncExitStack() as stack:
            path = self._path
            if not path:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="maestro-", ignore_cleanup_errors=True))
                path = f"{folder}/journal.db"
            if not _schema.parent_folder_exists(path):
                raise JournalError(path, f"journal {path} cannot be opened: its folder does not exist")
            lock = JournalLock(path)
            try:
                lock.acquire()
            except OSError as error:
                raise JournalError(path, f"journal {path} cannot be opened: {error.strerror}") from error
            stack.callback(lock.release)
            if self._watchdog is not None:
                stack.enter_context(self._watchdog.kept())
            journal = self._surroundings.journal(path)
            stack.push_async_callback(journal.close)
            store, sealer = self._payloads.store, self._sealer
            self._uploads = uploads = Uploads(journal, store, self._clock)
            stack.push_async_callback(uploads.close)
            self._downloads = downloads = None if store is None else Downloads(store)
            reader = JournalReader(path, sealer, {} if downloads is None else downloads.at_hand)
            stack.callback(reader.close)
            core = Core(
                uploads,
                reader,
                self._registry,
                sealer=sealer,
                downloads=downloads,
                **self._options,
                surroundings=self._surroundings,
            )
            stack.callback(core.close)
            self._opened = core, reader, journal
            for index, key in enumerate(core.recover()):
                core.load(key)
                if index % _RECOVERED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            self._schedules = Schedules(uploads, reader, core, self._registry, self._clock)
            stack.callback(self._schedules.close)
            self._schedules.recover()
            self._stack = stack.pop_all()

    async def close(self) -> None:
        """Stop steps (they run again at the next opening), write what is left, let the journal go."""
        self._opened = self._schedules = None
        await self._stack.aclose()

    @property
    def failure(self) -> JournalWriteError | None:
        """Why the journal, or the payload store, cannot be written at the moment; None when it can."""
        return self._parts[2].failure or (self._uploads.failure if self._uploads else None)

    @property
    def blocked(self) -> BlockedInfo | None:
        """What holds the event loop; None when nothing does, or nobody watches."""
        return None if self._watchdog is None else self._watchdog.blocked

    def registered(self, definition: WorkflowDefinition[..., Any]) -> None:
        """Take up runs that waited for a workflow to be registered."""
        if self._opened is not None:
            self._parts[0].revive()
            if self._schedules is not None:
                self._schedules.revive()

    @property
    def schedules(self) -> Schedules:
        """The schedules of this journal."""
        if self._schedules is None:
            raise EngineClosedError("the engine is not open; use it inside 'async with WorkflowEngine(...)'")
        return self._schedules

    async def start(self, definition: WorkflowDefinition[..., Any], run_id: str | None, input_: msgspec.Raw) -> str:
        """Start a run; returns once it is on disk.

        Returns:
            The run's id. A run that has it already is the same run; nothing is started then.

        Raises:
            WorkflowConflictError: The id belongs to a run of another workflow.
            JournalWriteError: The disk refuses; there is no such run.
        """
        core, reader, _ = self._parts
        if run_id is None:
            run_id = uuid.uuid4().hex
        else:
            if run_id in core.importing:
                raise WorkflowConflictError(run_id, f"run id {run_id!r} is being imported")
            live, row = core.live(run_id), reader.by_id(run_id)
            known = live.workflow if live else row.workflow if row else None
            if known is not None:
                if known != definition.name:
                    msg = f"run id {run_id!r} is taken by a run of workflow {known!r}"
                    raise WorkflowConflictError(run_id, msg)
                if row is None:  # its first write is under way; do not acknowledge it before that
                    await self._appended(core, live)
                return run_id
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        core.create(
            definition, run_id, input_, trace=_current_trace(), on_durable=_setter(done), on_failed=_failer(done)
        )
        await done
        return run_id

    async def signal(self, run_id: str, name: str, payload: msgspec.Raw) -> None:
        """Send a signal; returns once it is on disk.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: The disk refuses; the signal was not sent.
        """
        await self._append(run_id, ev.SignalReceived(self._clock.now_us(), name, payload))

    async def update(self, run_id: str, update_id: str, name: str, payload: msgspec.Raw) -> ev.UpdateAnswered:
        """Ask for an update and wait for its answer. Asking again with the same id is the same request.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended, or ends before it answers.
            JournalWriteError: The disk refuses; the update was not asked for.
            EngineClosedError: The engine closed before the answer came.
        """
        core, reader, _ = self._parts
        row = self._row(run_id)
        async with self.at_hand(run_id, Reading.HISTORY):
            known = [event for _, event in reader.history(row.key) if getattr(event, "update_id", "") == update_id]
        for event in known:
            if isinstance(event, ev.UpdateAnswered):
                return event
        run = self._open_run(run_id)
        answer = core.answers.expect(run.key, update_id)
        if not known:
            await self._appended(core, run, ev.UpdateRequested(self._clock.now_us(), update_id, name, payload))
        return await answer

    async def cancel(self, run_id: str, reason: str) -> None:
        """Ask a run to stop; returns once that is on disk. A run that has ended stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
            JournalWriteError: The disk refuses; the run was not asked.
        """
        try:
            await self._append(run_id, ev.CancelRequested(self._clock.now_us(), reason))
        except WorkflowEndedError:
            return

    async def pause(self, run_id: str, reason: str) -> None:
        """Start nothing more of a run; attempts that are under way go on. Pausing a paused run changes nothing.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: The disk refuses; the run was not paused.
        """
        run = self._open_run(run_id)
        if not run.is_paused:
            await self._appended(self._parts[0], run, ev.RunPaused(self._clock.now_us(), reason), RunStatus.PAUSED)

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on; one that is not paused stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: The disk refuses; the run stays paused.
        """
        run = self._open_run(run_id)
        if run.is_paused:
            await self._appended(self._parts[0], run, ev.RunResumed(self._clock.now_us()), RunStatus.RUNNING)

    async def terminate(self, run_id: str, reason: str) -> None:
        """End a run at once. One that has ended stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        core = self._parts[0]
        try:
            run = self._open_run(run_id)
        except WorkflowEndedError:
            return
        ended = asyncio.ensure_future(core.endings.wait(run.key))
        await asyncio.sleep(0)  # it waits now, so that the end cannot be missed
        core.terminate(run, reason)
        await ended

    async def retry(self, run_id: str) -> None:
        """Let a failed run go on from its last failed step; steps that completed before it do not run again.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowConflictError: It has not failed, is a child, or failed outside any step.
            JournalWriteError: The disk refuses; the run stays as it is.
        """
        core, reader, _ = self._parts
        async with self.at_hand(run_id, Reading.HISTORY):
            redriven = redrives(reader, self._sealer, self._row(run_id), self._clock.now_us())
        for _, write in redriven:
            await self._written(write)
        for row, _ in redriven:
            core.load(row.key)

    async def fork(self, run_id: str, step: int, new_id: str | None) -> str:
        """Make a new run from the beginning of another's history.

        Returns:
            The new run's id.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowConflictError: The new id is taken.
            StepNotFoundError: The history has no such step.
            JournalWriteError: The disk refuses; there is no new run.
        """
        core, reader, _ = self._parts
        source = self._row(run_id)
        new_id = new_id or uuid.uuid4().hex
        if new_id in core.importing or core.live(new_id) is not None or reader.by_id(new_id) is not None:
            raise WorkflowConflictError(new_id, f"run id {new_id!r} is taken")
        async with self.at_hand(run_id, Reading.HISTORY):
            events = before_step(source, list(reader.history(source.key)), step)
        if new_id in core.importing or core.live(new_id) is not None or reader.by_id(new_id) is not None:
            raise WorkflowConflictError(new_id, f"run id {new_id!r} is taken")
        key = core.new_key()
        write = forked(source, events, self._sealer, key=key, run_id=new_id, now=self._clock.now_us())
        await self._written(write)
        core.load(key)
        return new_id

    async def result(self, run_id: str) -> msgspec.Raw:
        """Wait for a run to end.

        Returns:
            Its output as JSON.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowFailedError: It failed.
            WorkflowCancelledError: It was cancelled.
            EngineClosedError: The engine was closed meanwhile.
        """
        core, reader, _ = self._parts
        run = core.live(run_id)
        if run is not None:
            last: ev.Event | None = await core.endings.wait(run.key)
        else:
            row = self._row(run_id)
            is_over = not RunStatus(row.status).is_open
            if is_over:
                async with self.at_hand(run_id, Reading.RESULT):
                    last = reader.last(row.key)
            else:
                last = await core.endings.wait(row.key)
        if isinstance(last, ev.RunCompleted):
            return last.output
        if isinstance(last, ev.RunFailed):
            raise WorkflowFailedError(run_id, last.failure)
        if isinstance(last, ev.RunTerminated):
            raise WorkflowTerminatedError(run_id, last.reason)
        raise WorkflowCancelledError(run_id)

    def detail(self, run_id: str) -> RunDetail:
        """Return a run in full.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        core, reader, _ = self._parts
        row = self._row(run_id)
        run = core.live(run_id)
        machine = run.machine if run else None
        problem = run.problem if run else None
        is_open = RunStatus(row.status).is_open
        first: ev.RunStarted | None = None
        last: ev.Event | None = None
        try:
            first = reader.started(row.key)
            last = None if is_open else reader.last(row.key)
        except (PayloadUnreadableError, PayloadStoreError) as error:
            problem = str(error)
        output, failure = terminal(last) if last is not None else (None, None)
        parent = None if row.parent_key is None else reader.by_key(row.parent_key)
        if is_open and run is None:
            try:
                machine = self._replayed(row)
            except WorkflowError as error:
                problem = str(error)
        waits = machine.waiting_for if machine else []
        if machine is not None and run is None:
            machine.drop()
        return RunDetail(
            id=row.id,
            workflow=row.workflow,
            version=row.version,
            status=RunStatus(row.status),
            created_at=moment(row.created_us),
            finished_at=None if row.finished_us is None else moment(row.finished_us),
            parent_id=parent.id if parent else None,
            input=msgspec.json.decode(first.input) if first else None,
            output=output,
            failure=failure,
            trace=first.trace if first else None,
            waiting_for=waits,
            problem=problem,
        )

    def query(self, run_id: str, key: str) -> msgspec.Raw:
        """Return what a workflow has published.

        Raises:
            WorkflowNotFoundError: No such run.
            QueryNotFoundError: It has published nothing under this key.
        """
        core = self._parts[0]
        run = core.live(run_id)
        if run is not None and run.machine is not None:
            published = run.machine.published
        else:
            machine = self._replayed(self._row(run_id))
            published = machine.published
            machine.drop()
        if key not in published:
            raise QueryNotFoundError(run_id, key, tuple(sorted(published)))
        return published[key]

    def history(self, run_id: str, after: int = -1) -> list[HistoryEvent]:
        """Return a run's history after a position.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        rows = self._parts[1].raw_history(self._row(run_id).key, after)
        return [history_event(position, raw) for position, raw in rows]

    def export(self, run_id: str) -> HistoryDocument:
        """Return a run as a document.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        reader, row = self._parts[1], self._row(run_id)
        parent = None if row.parent_key is None else reader.by_key(row.parent_key)
        return history_document(
            run_id=row.id,
            workflow=row.workflow,
            version=row.version,
            parent_id=parent.id if parent else None,
            rows=reader.raw_history(row.key),
        )

    async def import_run(self, document: HistoryDocument, run_id: str) -> None:
        """Keep a run of another journal; see `_importing`."""
        core, reader, _ = self._parts
        await import_run(core, reader, self._writes, self._sealer, document, run_id)

    async def watch(self, run_id: str, after: int = -1) -> AsyncIterator[HistoryEvent]:
        """Yield a run's history, then what is added to it, until the run has ended or the engine closes.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        core = self._parts[0]
        key = self._row(run_id).key
        with core.growing.follow(key) as grown:
            while self._opened is not None:
                grown.clear()
                ended = not RunStatus(self._row(run_id).status).is_open
                async with self.at_hand(run_id, Reading.HISTORY, after):
                    events = self.history(run_id, after)
                for event in events:
                    after = event.position
                    yield event
                if ended:
                    return
                async with self._clock.within(None):
                    await grown.wait()

    def at_hand(self, run_id: str, reading: Reading, after: int = -1) -> AbstractAsyncContextManager[None]:
        """Fetch the stored payloads that a reading needs, and keep them in memory for as long as it takes.

        Raises:
            PayloadStoreError: The payload store cannot be reached.
        """
        core, reader, _ = self._parts
        row = reader.by_id(run_id) if self._downloads is not None else None
        if self._downloads is None or row is None:
            return nullcontext()
        run = core.live(run_id)
        is_in_memory = run is not None and run.machine is not None
        events: list[bytes] = []
        if reading is Reading.RESULT or (reading is Reading.STATUS and (run or not RunStatus(row.status).is_open)):
            events = reader.sealed_ends(row.key)
        elif reading is not Reading.QUERY or not is_in_memory:
            events = reader.referring(row.key, after)
        return self._downloads.of(events)

    async def runs(
        self, *, status: RunStatus | None, workflow: str | None, parent: str | None, limit: int, before: int | None
    ) -> RunPage:
        """List runs, newest first, on a thread of its own: a long listing must not hold up the runs."""
        reader = self._parts[1]
        page = asyncio.to_thread(
            reader.page, status=status, workflow=workflow, parent=parent, limit=limit, before=before
        )
        return await self._clock.spawn(page, name="listing runs")

    def within(self, timeout: timedelta | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block once it has taken longer than this; None for never."""
        return self._clock.within(timeout)

    @property
    def _parts(self) -> tuple[Core, JournalReader, Journal]:
        if self._opened is None:
            raise EngineClosedError("the engine is not open; use it inside 'async with WorkflowEngine(...)'")
        return self._opened

    @property
    def _writes(self) -> Uploads:
        if self._opened is None or self._uploads is None:
            raise EngineClosedError("the engine is not open; use it inside 'async with WorkflowEngine(...)'")
        return self._uploads

    def _row(self, run_id: str) -> RunRow:
        row = self._parts[1].by_id(run_id)
        if row is None:
            raise WorkflowNotFoundError(run_id, f"there is no run {run_id!r}")
        return row

    async def _append(self, run_id: str, event: ev.Event) -> None:
        core = self._parts[0]
        await self._appended(core, self._open_run(run_id), event)

    def _open_run(self, run_id: str) -> LiveRun:
        core = self._parts[0]
        run = core.live(run_id)
        if run is None or run.is_ending:
            row = self._row(run_id)
            if run is not None or not RunStatus(row.status).is_open:
                raise WorkflowEndedError(run_id, row.status if run is None else "just now")
            run = core.find(row)
        return run

    async def _written(self, write: Write) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        write.on_durable, write.on_failed = _setter(done), _failer(done)
        self._writes.submit(write, after=(row[0] for row in write.events))
        await done

    async def _appended(
        self, core: Core, run: LiveRun | None, event: ev.Event | None = None, status: RunStatus | None = None
    ) -> None:
        if run is None:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if event is None:
            core.settled(run, Write(_setter(done), on_failed=_failer(done)))
        else:
            core.append(run, event, status=status, on_durable=_setter(done), on_failed=_failer(done))
        await done

    def _replayed(self, row: RunRow) -> WorkflowMachine:
        definition = self._registry.find(row.workflow, row.version)
        return replay(definition, row.id, None, list(self._parts[1].history(row.key)))


def _setter(future: asyncio.Future[None]) -> Callable[[], None]:
    def resolve() -> None:
        if not future.done():
            future.set_result(None)

    return resolve


def _failer(future: asyncio.Future[None]) -> Callable[[JournalWriteError], None]:
    def fail(error: JournalWriteError) -> None:
        if not future.done():
            future.set_exception(error)

    return fail


def _current_trace() -> str | None:
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _propagator.inject(carrier)
    return carrier.get("traceparent")
