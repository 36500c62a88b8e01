"""What an engine needs of whatever runs its workflows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from maestro_workflow_engine._blocked import BlockedInfo
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import WorkflowError
from maestro_workflow_engine._event_sink import EventSink
from maestro_workflow_engine._history_document import HistoryDocument
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine._queue import Queue
from maestro_workflow_engine._queue_keeper import QueueKeeper
from maestro_workflow_engine._records import HistoryEvent, PausedWorkflow, RunDetail, RunInfo, RunPage, RunStatus
from maestro_workflow_engine._retention import PurgeReport, Retention
from maestro_workflow_engine._run_filter import RunFilter, RunOrder
from maestro_workflow_engine._schedule_keeper import ScheduleKeeper
from maestro_workflow_engine._start_options import StartOptions
from maestro_workflow_engine.machine._events import UpdateAnswered


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """What every runner is told."""

    max_concurrent: int
    """How many runs (embedded) or steps (Temporal, in this worker) may be at work at once."""

    max_in_memory: int
    """How many waiting runs stay in memory."""

    threads: int
    """How many plain step functions may run at once."""

    payloads: PayloadOptions
    """How payloads are kept."""

    queues: Sequence[Queue]
    """The queues that are declared at first."""

    block_warning: timedelta | None
    """How long something may hold the event loop before it is named; None for never."""

    retention: Retention
    """How long runs are kept once they have ended."""

    event_sink: EventSink | None = None
    """Where the events go that runs publish; None for nowhere else."""


class RunStarting(Protocol):
    """Makes runs. Each call returns once the run is kept."""

    async def start(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str | None,
        input_: msgspec.Raw,
        options: StartOptions | None = None,
    ) -> str:
        """Start a run as the options say, or find the one there is; return its id, a new one for None."""

    async def fork(self, run_id: str, step: int, new_id: str | None) -> str:
        """Make a new run from the beginning of another's history; return its id."""

    async def import_run(self, document: HistoryDocument, run_id: str) -> None:
        """Keep a run of another journal under an id that is free."""


class RunSteering(Protocol):
    """Intervenes in runs. Each call returns once what it did is kept."""

    async def signal(self, run_id: str, name: str, payload: msgspec.Raw) -> None:
        """Send a signal."""

    async def update(self, run_id: str, update_id: str, name: str, payload: msgspec.Raw) -> UpdateAnswered:
        """Ask for an update and wait for its answer."""

    async def cancel(self, run_id: str, reason: str) -> None:
        """Ask a run to stop."""

    async def pause(self, run_id: str, reason: str) -> None:
        """Start nothing more of a run."""

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on."""

    async def terminate(self, run_id: str, reason: str) -> None:
        """End a run at once."""

    async def reprioritize(self, run_id: str, priority: int) -> None:
        """Move a run that waits within its queue."""

    async def retry(self, run_id: str) -> None:
        """Let a failed run go on from its failed step."""


class RunReading(Protocol):
    """Looks at runs."""

    async def result(self, run_id: str) -> msgspec.Raw:
        """Wait for a run to end and return its output."""

    async def detail(self, run_id: str) -> RunDetail:
        """Return a run in full."""

    async def query(self, run_id: str, key: str) -> msgspec.Raw:
        """Return what a workflow has published."""

    async def history(self, run_id: str, after: int = -1) -> list[HistoryEvent]:
        """Return a run's history after a position."""

    async def export(self, run_id: str) -> HistoryDocument:
        """Return a run as a document."""

    def watch(self, run_id: str, after: int = -1) -> AsyncIterator[HistoryEvent]:
        """Follow a run's history to its end."""

    async def runs(self, wanted: RunFilter, *, order: RunOrder, limit: int, cursor: str | None) -> RunPage:
        """List runs."""

    async def count(self, wanted: RunFilter) -> int:
        """Count runs."""

    async def is_any_of(self, run: RunInfo, statuses: Collection[RunStatus]) -> bool:
        """Tell whether a listed run has one of these statuses, where a listing does not tell paused ones from others, too."""


class WorkflowPausing(Protocol):
    """Pauses workflows: all runs of one, those to come included. Each call returns once what it did is kept."""

    async def pause(self, workflow: str, version: str | None, reason: str) -> None:
        """Start nothing more of a workflow's runs; of every version for None."""

    async def resume(self, workflow: str, version: str | None) -> None:
        """Take back a pause of the same workflow and version."""

    def paused(self) -> list[PausedWorkflow]:
        """Return which workflows are paused."""


class RunPurging(Protocol):
    """Deletes runs that have ended. Each call returns once they are gone."""

    async def purge(
        self, *, older_than: timedelta, statuses: frozenset[RunStatus], workflow: str | None
    ) -> PurgeReport:
        """Delete runs that ended long enough ago."""

    async def purgeable(
        self, *, older_than: timedelta, statuses: frozenset[RunStatus], workflow: str | None
    ) -> PurgeReport:
        """Return what `purge` would report."""

    async def delete(self, run_id: str) -> PurgeReport:
        """Delete one run and its children."""


class EventKeeper(Protocol):
    """Takes events in. Each call returns once the event is kept."""

    async def publish(self, event: dict[str, Any]) -> bool:
        """Take in an event that was checked, and tell whether it is new."""


class Runner(Protocol):
    """A place where workflows run. Its faces raise EngineClosedError unless it is open."""

    async def open(self) -> None:
        """Begin, and take up every unfinished run."""

    async def close(self) -> None:
        """Stop; unfinished runs go on at the next opening."""

    @property
    def failure(self) -> WorkflowError | None:
        """Why nothing new can be accepted at the moment; None when all is well."""

    async def check(self) -> None:
        """Raise `failure`, or whatever else keeps it from where the runs are; pass when there is nothing."""

    @property
    def blocked(self) -> BlockedInfo | None:
        """What holds the event loop; None when nothing does. May be read from any thread, open or not."""

    @property
    def starting(self) -> RunStarting:
        """Makes runs."""

    @property
    def steering(self) -> RunSteering:
        """Intervenes in runs."""

    @property
    def reading(self) -> RunReading:
        """Looks at runs."""

    @property
    def pausing(self) -> WorkflowPausing:
        """Pauses workflows."""

    @property
    def purging(self) -> RunPurging:
        """Deletes runs."""

    @property
    def events(self) -> EventKeeper:
        """Takes events in."""

    @property
    def queues(self) -> QueueKeeper:
        """The queues it keeps."""

    def declare(self, queue: Queue) -> None:
        """Add a queue, or change the limits of the one of this name."""

    @property
    def schedules(self) -> ScheduleKeeper:
        """The schedules it keeps."""

    def registered(self, definition: WorkflowDefinition[..., Any]) -> None:
        """Take notice of a workflow that was registered while open."""

    def within(self, timeout: timedelta | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block once it has taken longer than this by the runner's clock; None for never."""
