"""The embedded runner: what callers ask of it, on top of the core."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

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
)
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
from maestro_workflow_engine.embedded._alarms import now_us
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._downloads import Downloads
from maestro_workflow_engine.embedded._journal import Journal, Write
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._loading import replay
from maestro_workflow_engine.embedded._lock import JournalLock
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._uploads import Uploads
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
        payloads: How payloads are kept.
    """

    def __init__(
        self,
        path: str,
        registry: WorkflowRegistry,
        *,
        max_concurrent: int,
        max_in_memory: int,
        threads: int,
        payloads: PayloadOptions,
    ) -> None:
        self._path = path
        self._registry = registry
        self._options = {"max_concurrent": max_concurrent, "max_in_memory": max_in_memory, "threads": threads}
        self._payloads = payloads
        self._uploads: Uploads | None = None
        self._downloads: Downloads | None = None
        self._stack = AsyncExitStack()
        self._opened: tuple[Core, JournalReader, Journal] | None = None

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
            journal = Journal(path)
            stack.push_async_callback(journal.close)
            store, sealer = self._payloads.store, Sealer(self._payloads)
            self._uploads = uploads = Uploads(journal, store)
            stack.push_async_callback(uploads.close)
            self._downloads = downloads = None if store is None else Downloads(store)
            reader = JournalReader(path, sealer, {} if downloads is None else downloads.at_hand)
            stack.callback(reader.close)
            core = Core(uploads, reader, self._registry, sealer=sealer, downloads=downloads, **self._options)
            stack.callback(core.close)
            self._opened = core, reader, journal
            for index, key in enumerate(core.recover()):
                core.load(key)
                if index % _RECOVERED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            self._stack = stack.pop_all()

    async def close(self) -> None:
        """Stop steps (they run again at the next opening), write what is left, let the journal go."""
        self._opened = None
        await self._stack.aclose()

    @property
    def failure(self) -> JournalWriteError | None:
        """Why the journal, or the payload store, cannot be written at the moment; None when it can."""
        return self._parts[2].failure or (self._uploads.failure if self._uploads else None)

    def registered(self, definition: WorkflowDefinition[..., Any]) -> None:
        """Take up runs that waited for a workflow to be registered."""
        if self._opened is not None:
            self._parts[0].revive()

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
        await self._append(run_id, ev.SignalReceived(now_us(), name, payload))

    async def cancel(self, run_id: str, reason: str) -> None:
        """Ask a run to stop; returns once that is on disk. A run that has ended stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
            JournalWriteError: The disk refuses; the run was not asked.
        """
        try:
            await self._append(run_id, ev.CancelRequested(now_us(), reason))
        except WorkflowEndedError:
            return

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
            is_over = row.status != RunStatus.RUNNING
            if is_over:
                async with self.at_hand(run_id, Reading.RESULT):
                    last = reader.last(row.key)
            else:
                last = await core.endings.wait(row.key)
        if isinstance(last, ev.RunCompleted):
            return last.output
        if isinstance(last, ev.RunFailed):
            raise WorkflowFailedError(run_id, last.failure)
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
        first: ev.RunStarted | None = None
        last: ev.Event | None = None
        try:
            first = reader.started(row.key)
            last = reader.last(row.key) if row.status != RunStatus.RUNNING else None
        except (PayloadUnreadableError, PayloadStoreError) as error:
            problem = str(error)
        output, failure = terminal(last) if last is not None else (None, None)
        parent = None if row.parent_key is None else reader.by_key(row.parent_key)
        if row.status == RunStatus.RUNNING and run is None:
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
                ended = self._row(run_id).status != RunStatus.RUNNING
                async with self.at_hand(run_id, Reading.HISTORY, after):
                    events = self.history(run_id, after)
                for event in events:
                    after = event.position
                    yield event
                if ended:
                    return
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
        if reading is Reading.RESULT or (reading is Reading.STATUS and (run or row.status != RunStatus.RUNNING)):
            events = reader.sealed_ends(row.key)
        elif reading is not Reading.QUERY or not is_in_memory:
            events = reader.referring(row.key, after)
        return self._downloads.of(events)

    async def runs(
        self, *, status: RunStatus | None, workflow: str | None, parent: str | None, limit: int, before: int | None
    ) -> RunPage:
        """List runs, newest first, on a thread of its own: a long listing must not hold up the runs."""
        reader = self._parts[1]
        return await asyncio.to_thread(
            reader.page, status=status, workflow=workflow, parent=parent, limit=limit, before=before
        )

    @property
    def _parts(self) -> tuple[Core, JournalReader, Journal]:
        if self._opened is None:
            raise EngineClosedError("the engine is not open; use it inside 'async with WorkflowEngine(...)'")
        return self._opened

    def _row(self, run_id: str) -> RunRow:
        row = self._parts[1].by_id(run_id)
        if row is None:
            raise WorkflowNotFoundError(run_id, f"there is no run {run_id!r}")
        return row

    async def _append(self, run_id: str, event: ev.Event) -> None:
        core = self._parts[0]
        run = core.live(run_id)
        if run is None or run.is_ending:
            row = self._row(run_id)
            if row.status != RunStatus.RUNNING or run is not None:
                raise WorkflowEndedError(run_id, row.status)
            run = core.find(row)
        await self._appended(core, run, event)

    async def _appended(self, core: Core, run: LiveRun | None, event: ev.Event | None = None) -> None:
        if run is None:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if event is None:
            core.settled(run, Write(_setter(done), on_failed=_failer(done)))
        else:
            core.append(run, event, on_durable=_setter(done), on_failed=_failer(done))
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
