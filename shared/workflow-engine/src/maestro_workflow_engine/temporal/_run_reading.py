"""Looking at runs on the cluster: results, status, queries, history, listings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import timedelta

import msgspec
from temporalio.api.history.v1 import HistoryEvent as TemporalEvent
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHistoryEventAsyncIterator,
    WorkflowHistoryEventFilterType,
    WorkflowQueryFailedError,
)
from temporalio.common import RawValue, SearchAttributeKey
from temporalio.service import RPCError

from maestro_workflow_engine._attributes import Stored, decode, shown
from maestro_workflow_engine._errors import ClusterUnreachableError, QueryNotFoundError, WorkflowFailedError
from maestro_workflow_engine._failure import Failure
from maestro_workflow_engine._history_document import HistoryDocument, history_document
from maestro_workflow_engine._records import (
    HistoryEvent,
    RunDetail,
    RunInfo,
    RunPage,
    RunStatus,
    history_event,
    terminal,
)
from maestro_workflow_engine._run_filter import RunFilter, RunOrder
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._calls import about
from maestro_workflow_engine.temporal._failures import ending
from maestro_workflow_engine.temporal._history import Translator
from maestro_workflow_engine.temporal._search import ATTRIBUTES_MEMO, TRACE_MEMO, VERSION_MEMO
from maestro_workflow_engine.temporal._visibility import STATUSES, check_order, make_cursor, query_of, read_cursor
from maestro_workflow_engine.temporal._waits import Waits
from maestro_workflow_engine.temporal._wire import STATE, VERSION_MARK, State, json_of, text_of

_CHANGES = SearchAttributeKey.for_keyword_list("TemporalChangeVersion")
_ALIKE = {RunStatus.RUNNING, RunStatus.PAUSED}
_WORKER_PATIENCE = timedelta(seconds=5)


class TemporalReading:
    """Reads runs from the cluster, and from the workers where only they know.

    Attributes:
        target: Host and port of the cluster.
        searchable: Whether its namespace has the custom attribute by which runs are found.
        waits: Long waits, which end when the engine closes.
    """

    def __init__(self, client: Client, address: TemporalAddress, *, searchable: bool) -> None:
        self._client = client
        self.waits = Waits()
        self.searchable = searchable
        self.target = address.target

    async def result(self, run_id: str) -> msgspec.Raw:
        """Wait for a run to end and return its output.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowFailedError: It failed.
            WorkflowCancelledError: It was cancelled.
            WorkflowTerminatedError: It was terminated.
        """
        with about(run_id, self.target):
            try:
                handle = self._client.get_workflow_handle(run_id, result_type=RawValue)
                output: RawValue = await self.waits.until(handle.result())
            except WorkflowFailureError as error:
                found = ending(run_id, error.cause)
                if isinstance(found, Failure):
                    raise WorkflowFailedError(run_id, found) from error
                raise found from error
        return json_of([output])

    async def description(self, run_id: str) -> WorkflowExecutionDescription:
        """Return what the cluster says of a run.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        with about(run_id, self.target):
            return await self._client.get_workflow_handle(run_id).describe()

    async def detail(self, run_id: str) -> RunDetail:
        """Return a run in full.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        found = await self.description(run_id)
        info = await _info(found)
        first = await self._first(run_id)
        last = None if info.status.is_open else await self._last(run_id)
        output, failure = terminal(last) if last is not None else (None, None)
        state, problem = State({}, []), None
        if info.status.is_open:
            try:
                state = await self._state(run_id)
                problem = state.problem
            except (RPCError, WorkflowQueryFailedError) as error:
                problem = f"no worker can tell where the run stands: {error}"
            except ClusterUnreachableError:  # the cluster itself has just answered
                problem = "no worker tells where the run stands: see that one runs that has its workflow"
        return RunDetail(
            **{
                name: getattr(info, name)
                for name in ("id", "workflow", "version", "created_at", "finished_at", "parent_id", "attributes")
            },
            status=RunStatus.PAUSED if state.paused else info.status,
            input=None if first is None else msgspec.json.decode(first.input),
            output=output,
            failure=failure,
            trace=await found.memo_value(TRACE_MEMO, default=None),
            waiting_for=state.waiting_for,
            problem=problem,
        )

    async def query(self, run_id: str, key: str) -> msgspec.Raw:
        """Return what a workflow has published.

        Raises:
            WorkflowNotFoundError: No such run.
            QueryNotFoundError: It has published nothing under this key.
        """
        published = (await self._state(run_id)).published
        if key not in published:
            raise QueryNotFoundError(run_id, key, tuple(sorted(published)))
        return published[key]

    async def history(self, run_id: str, after: int = -1) -> list[HistoryEvent]:
        """Return a run's history after a position.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        _, events = await self.told(run_id)
        return [_shown(position, event) for position, event in events if position > after]

    async def export(self, run_id: str) -> HistoryDocument:
        """Return a run as a document.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        found = await self.description(run_id)
        read, events = await self.told(run_id)
        return history_document(
            run_id=run_id,
            workflow=read.workflow or found.workflow_type,
            version=(await _info(found)).version,
            parent_id=found.parent_id,
            rows=[(position, ev.encode_event(event)) for position, event in events],
        )

    async def watch(self, run_id: str, after: int = -1) -> AsyncIterator[HistoryEvent]:
        """Follow a run's history to its end, and through its later passes.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        pass_id: str | None = None
        while True:
            read = Translator(self._client.data_converter)
            handle = self._client.get_workflow_handle(run_id, run_id=pass_id)
            with about(run_id, self.target):
                events = handle.fetch_history_events(wait_new_event=True)
                while (event := await self.waits.until(_next(events))) is not None:
                    for position, happened in await read.read(event):
                        if position > after:
                            yield _shown(position, happened)
            if read.next_run is None:
                return
            pass_id, after = read.next_run, -1

    async def runs(self, wanted: RunFilter, *, order: RunOrder, limit: int, cursor: str | None) -> RunPage:
        """List runs in the cluster's order: open ones first, the newest first; then by when they ended, the latest first.

        What has just changed is listed a little later.

        Raises:
            UnsupportedByRunnerError: The cluster has no such order, or cannot look for one of the criteria.
            ValueError: The cursor is none of this listing.
        """
        check_order(order)
        query = query_of(wanted, searchable=self.searchable)
        token = None if cursor is None else read_cursor(cursor, query)
        with about("", self.target):
            listed = self._client.list_workflows(query, page_size=limit, next_page_token=token)
            await listed.fetch_next_page()
        found = [await _info(each) for each in listed.current_page or ()]
        return RunPage(found, make_cursor(listed.next_page_token, query))

    async def count(self, wanted: RunFilter) -> int:
        """Count runs.

        Raises:
            UnsupportedByRunnerError: The cluster cannot look for one of the criteria.
        """
        with about("", self.target):
            return (await self._client.count_workflows(query_of(wanted, searchable=self.searchable))).count

    async def is_any_of(self, run: RunInfo, statuses: Collection[RunStatus]) -> bool:
        """Tell whether a listed run has one of these statuses; whether it is paused its worker knows, and without one it may be."""
        if run.status is not RunStatus.RUNNING or _ALIKE.isdisjoint(statuses) or set(statuses) >= _ALIKE:
            return run.status in statuses
        try:
            is_paused = (await self._state(run.id)).paused
        except (RPCError, WorkflowQueryFailedError, ClusterUnreachableError):
            return True
        return (RunStatus.PAUSED if is_paused else RunStatus.RUNNING) in statuses

    async def last_seq(self, run_id: str, execution: str) -> int:
        """Return the highest number that an execution of a run has given to a step, timer or other run."""
        read = Translator(self._client.data_converter)
        with about(run_id, self.target):
            async for event in self._client.get_workflow_handle(run_id, run_id=execution).fetch_history_events():
                await read.read(event)
        return read.last_seq

    async def _state(self, run_id: str) -> State:
        with about(run_id, self.target):
            answer: RawValue = await self._client.get_workflow_handle(run_id).query(
                STATE, result_type=RawValue, rpc_timeout=_WORKER_PATIENCE
            )
        return msgspec.json.decode(bytes(json_of([answer])), type=State)

    async def told(self, run_id: str) -> tuple[Translator, list[tuple[int, ev.Event]]]:
        """Return a run's history as (position, event), and what was read besides.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        read = Translator(self._client.data_converter)
        events: list[tuple[int, ev.Event]] = []
        with about(run_id, self.target):
            async for event in self._client.get_workflow_handle(run_id).fetch_history_events():
                events += await read.read(event)
        return read, events

    async def _first(self, run_id: str) -> ev.RunStarted | None:
        read = Translator(self._client.data_converter)
        with about(run_id, self.target):
            async for event in self._client.get_workflow_handle(run_id).fetch_history_events(page_size=1):
                return next((e for _, e in await read.read(event) if isinstance(e, ev.RunStarted)), None)
        return None

    async def _last(self, run_id: str) -> ev.Event | None:
        read = Translator(self._client.data_converter)
        last: ev.Event | None = None
        with about(run_id, self.target):
            async for event in self._client.get_workflow_handle(run_id).fetch_history_events(
                event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT
            ):
                last = next((happened for _, happened in await read.read(event)), last)
        return last


async def _next(events: WorkflowHistoryEventAsyncIterator) -> TemporalEvent | None:
    return await anext(events, None)


def status_of(found: WorkflowExecution) -> RunStatus:
    """Return where a run stands; the cluster does not know of pauses."""
    return STATUSES.get(found.status or WorkflowExecutionStatus.RUNNING, RunStatus.RUNNING)


def chosen_version(found: WorkflowExecution) -> str | None:
    """Return the version that a run chose when it began because nobody had named one; None when it has not begun yet."""
    changes = found.typed_search_attributes.get(_CHANGES) or ()
    chosen = (change.removeprefix(VERSION_MARK) for change in changes if change.startswith(VERSION_MARK))
    return next(iter(chosen), None)


async def _info(found: WorkflowExecution) -> RunInfo:
    return RunInfo(
        id=found.id,
        workflow=found.workflow_type,
        version=await found.memo_value(VERSION_MEMO, default="") or chosen_version(found) or "",
        status=status_of(found),
        created_at=found.start_time,
        finished_at=found.close_time,
        parent_id=found.parent_id,
        attributes=shown(await _attributes(found)),
    )


async def _attributes(found: WorkflowExecution) -> dict[str, Stored]:
    kept: RawValue | None = await found.memo_value(ATTRIBUTES_MEMO, default=None, type_hint=RawValue)
    return {} if kept is None else decode(bytes(text_of(kept.payload)))


def _shown(position: int, event: ev.Event) -> HistoryEvent:
    return history_event(position, ev.encode_event(event))
