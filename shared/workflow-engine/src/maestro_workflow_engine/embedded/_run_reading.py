"""Looking at runs: results, status, queries, history, listings. Nothing here changes anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, nullcontext
from enum import Enum, auto

import msgspec

from maestro_workflow_engine._errors import (
    JournalCorruptError,
    QueryNotFoundError,
    WorkflowCancelledError,
    WorkflowError,
    WorkflowFailedError,
    WorkflowMovedError,
    WorkflowNotFoundError,
    WorkflowTerminatedError,
)
from maestro_workflow_engine._history_document import HistoryDocument, history_document
from maestro_workflow_engine._payload_errors import PayloadStoreError, PayloadUnreadableError
from maestro_workflow_engine._records import (
    HistoryEvent,
    RunDetail,
    RunInfo,
    RunPage,
    RunStatus,
    history_event,
    moment,
    terminal,
)
from maestro_workflow_engine._run_filter import RunFilter, RunOrder
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._loading import replay
from maestro_workflow_engine.embedded._opened import Opened, whole
from maestro_workflow_engine.embedded._pauses import record
from maestro_workflow_engine.embedded._queues import Queues
from maestro_workflow_engine.embedded._reader import RunRow
from maestro_workflow_engine.embedded._run_listing import attributes_shown
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _events as ev


class Reading(Enum):
    """What is about to be read of a run."""

    STATUS = auto()
    QUERY = auto()
    RESULT = auto()
    HISTORY = auto()


class EmbeddedReading:
    """Reads runs from memory where they are there, else from the journal."""

    def __init__(self, opened: Opened, queues: Queues) -> None:
        self._opened = opened
        self._queues = queues
        self._closed = False

    def close(self) -> None:
        """Follow no run any more."""
        self._closed = True

    async def result(self, run_id: str) -> msgspec.Raw:
        """Wait for a run to end.

        Returns:
            Its output as JSON.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowFailedError: It failed.
            WorkflowCancelledError: It was cancelled.
            WorkflowTerminatedError: It was terminated; WorkflowMovedError when it goes on in another engine.
            EngineClosedError: The engine was closed meanwhile.
        """
        core, reader = self._opened.core, self._opened.reader
        run = core.live(run_id)
        if run is not None:
            last: ev.Event | None = await core.endings.wait(run.key)
        else:
            row = self._opened.row(run_id)
            is_over = not RunStatus(row.status).is_open
            if is_over:
                async with self.at_hand(run_id, Reading.RESULT):
                    last = reader.last(row.key)
            else:
                last = await core.endings.wait(row.key)
        if last is None:
            raise WorkflowNotFoundError(run_id, f"run {run_id!r} was purged a moment ago")
        if isinstance(last, ev.RunCompleted):
            return last.output
        if isinstance(last, ev.RunFailed):
            raise WorkflowFailedError(run_id, last.failure)
        if isinstance(last, ev.RunTerminated) and last.moved_to is not None:
            raise WorkflowMovedError(run_id, last.moved_to)
        if isinstance(last, ev.RunTerminated):
            raise WorkflowTerminatedError(run_id, last.reason)
        raise WorkflowCancelledError(run_id)

    async def detail(self, run_id: str) -> RunDetail:
        """Return a run in full.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        run = self._opened.core.live(run_id)
        known = _from_memory(run) if run is not None and self._opened.core.steps.heart.is_still else None
        if known is not None:
            return known
        async with self.at_hand(run_id, Reading.STATUS):
            return self._detail(run_id)

    def _detail(self, run_id: str) -> RunDetail:
        core, reader = self._opened.core, self._opened.reader
        row = self._opened.row(run_id)
        run = core.live(run_id)
        machine = run.machine if run else None
        problem = run.problem if run else None
        is_open = RunStatus(row.status).is_open
        first: ev.RunStarted | None = None
        input_: msgspec.Raw | None = None
        last: ev.Event | None = None
        try:
            first = reader.started(row.key)
            input_ = None if first is None else self._input(row.key, first)
            last = None if is_open else reader.last(row.key)
        except (PayloadUnreadableError, PayloadStoreError, JournalCorruptError) as error:
            problem = str(error)
        output, failure = terminal(last) if last is not None else (None, None)
        parent = None if row.parent_key is None else reader.by_key(row.parent_key)
        if is_open and run is None:
            try:
                machine = self._replayed(row)
            except WorkflowError as error:
                problem = str(error)
        pause = core.pauses.find(row.workflow, row.version)
        waits = machine.waiting_for if machine else []
        if not core.steps.heart.is_still:
            try:
                waits = core.steps.heart.described(row.id, row.key, waits)
            except (PayloadUnreadableError, PayloadStoreError) as error:
                problem = str(error)
        turn = self._queues.wait_of(row.key)
        if turn is not None:
            waits, problem = [turn], problem or self._queues.problem_of(row.key)
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
            input=None if input_ is None else msgspec.json.decode(input_),
            output=output,
            failure=failure,
            trace=first.trace if first else None,
            waiting_for=waits,
            problem=problem,
            ran_as=row.ran_as,
            moved_to=last.moved_to if isinstance(last, ev.RunTerminated) else None,
            attributes=attributes_shown(row.attributes),
            paused_with=record(pause, self._opened.sealer) if pause is not None and is_open else None,
            history_purged_at=None if row.history_purged_us is None else moment(row.history_purged_us),
        )

    async def query(self, run_id: str, key: str) -> msgspec.Raw:
        """Return what a workflow has published.

        Raises:
            WorkflowNotFoundError: No such run.
            QueryNotFoundError: It has published nothing under this key.
            HistoryPurgedError: What it had published went with its history.
        """
        async with self.at_hand(run_id, Reading.QUERY):
            return self._query(run_id, key)

    def _query(self, run_id: str, key: str) -> msgspec.Raw:
        core = self._opened.core
        run = core.live(run_id)
        if run is not None and run.machine is not None:
            published = run.machine.published
        else:
            machine = self._replayed(whole(self._opened.row(run_id)))
            published = machine.published
            machine.drop()
        if key not in published:
            raise QueryNotFoundError(run_id, key, tuple(sorted(published)))
        return published[key]

    async def history(self, run_id: str, after: int = -1) -> list[HistoryEvent]:
        """Return a run's history after a position.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        async with self.at_hand(run_id, Reading.HISTORY, after):
            return self._history(run_id, after)

    def _history(self, run_id: str, after: int = -1) -> list[HistoryEvent]:
        rows = self._opened.reader.raw_history(self._opened.row(run_id).key, after)
        return [history_event(position, raw) for position, raw in rows]

    async def export(self, run_id: str) -> HistoryDocument:
        """Return a run as a document.

        Raises:
            WorkflowNotFoundError: No such run.
            HistoryPurgedError: Its history is not whole any more.
        """
        async with self.at_hand(run_id, Reading.HISTORY):
            return self._export(run_id)

    def _export(self, run_id: str) -> HistoryDocument:
        reader, row = self._opened.reader, whole(self._opened.row(run_id))
        parent = None if row.parent_key is None else reader.by_key(row.parent_key)
        return history_document(
            run_id=row.id,
            workflow=row.workflow,
            version=row.version,
            parent_id=parent.id if parent else None,
            rows=reader.raw_history(row.key),
        )

    async def watch(self, run_id: str, after: int = -1) -> AsyncIterator[HistoryEvent]:
        """Yield a run's history, then what is added to it, until the run has ended or the engine closes.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        core, reader = self._opened.core, self._opened.reader
        key = self._opened.row(run_id).key
        with core.growing.follow(key) as grown:
            while not self._closed:
                grown.clear()
                now = reader.by_key(key)  # by key: another run may be started under the id meanwhile
                if now is None:
                    return
                ended = not RunStatus(now.status).is_open
                events = await self.history(now.id, after)
                for event in events:
                    after = event.position
                    yield event
                if ended:
                    return
                async with self._opened.clock.within(None):
                    await grown.wait()

    def at_hand(self, run_id: str, reading: Reading, after: int = -1) -> AbstractAsyncContextManager[None]:
        """Fetch the stored payloads that a reading needs, and keep them in memory for as long as it takes.

        Raises:
            PayloadStoreError: The payload store cannot be reached.
        """
        core, reader = self._opened.core, self._opened.reader
        row = reader.by_id(run_id) if self._opened.downloads is not None else None
        if self._opened.downloads is None or row is None:
            return nullcontext()
        run = core.live(run_id)
        is_in_memory = run is not None and run.machine is not None
        events: list[bytes] = []
        if reading is Reading.RESULT or (reading is Reading.STATUS and (run or not RunStatus(row.status).is_open)):
            events = reader.sealed_ends(row.key)
        elif reading is not Reading.QUERY or not is_in_memory:
            events = reader.referring(row.key, after)
        return self._opened.downloads.of(events)

    async def runs(self, wanted: RunFilter, *, order: RunOrder, limit: int, cursor: str | None) -> RunPage:
        """List runs, on a thread of its own: a long listing must not hold up the runs.

        Raises:
            ValueError: The cursor is none of this listing.
            EngineClosedError: The engine was closed meanwhile.
        """
        page = asyncio.to_thread(self._opened.listing.page, wanted, order, limit, cursor)
        return await self._opened.clock.spawn(page, name="listing runs")

    async def count(self, wanted: RunFilter) -> int:
        """Count runs, likewise.

        Raises:
            EngineClosedError: The engine was closed meanwhile.
        """
        count = asyncio.to_thread(self._opened.listing.count, wanted)
        return await self._opened.clock.spawn(count, name="counting runs")

    async def is_any_of(self, run: RunInfo, statuses: Collection[RunStatus]) -> bool:
        """Tell whether a listed run has one of these statuses."""
        return run.status in statuses

    def _input(self, key: int, first: ev.RunStarted) -> msgspec.Raw:
        if first.admission is None or first.admission.debounce is None:
            return first.input
        later = [event.input for _, event in self._opened.reader.history(key) if isinstance(event, ev.RunDebounced)]
        return later[-1] if later else first.input

    def _replayed(self, row: RunRow) -> WorkflowMachine:
        definition = self._opened.registry.find(row.workflow, row.version)
        return replay(definition, row.own_id, None, list(self._opened.reader.history(row.key)))


def _from_memory(run: LiveRun) -> RunDetail | None:
    """Show a run without the journal; None where only the journal knows."""
    machine, started = run.machine, run.started
    # Before its start is on disk there is no run, and while its end is being written it has not ended yet.
    if machine is None or started is None or not machine.started_us or run.is_ending:
        return None
    if run.is_held or machine.attributes.current:  # why it is held, and which attributes are on disk
        return None
    return RunDetail(
        id=run.id,
        workflow=run.workflow,
        version=run.version,
        status=RunStatus.PAUSED if run.is_paused else RunStatus.RUNNING,
        created_at=moment(started.time),
        parent_id=machine.parent_id,
        input=msgspec.json.decode(started.input),
        trace=started.trace,
        waiting_for=machine.waiting_for,
        problem=run.problem,
    )
