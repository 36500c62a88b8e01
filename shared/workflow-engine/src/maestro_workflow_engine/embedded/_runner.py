"""The embedded runner: it opens a journal, puts its parts together, and closes it."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Any, TypeVar

from maestro_workflow_engine._blocked import BlockedInfo
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import EngineClosedError, JournalError, JournalWriteError
from maestro_workflow_engine._queue import Queue
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._runner import RunnerOptions
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._downloads import Downloads
from maestro_workflow_engine.embedded._events import EmbeddedEvents
from maestro_workflow_engine.embedded._lock import JournalLock
from maestro_workflow_engine.embedded._opened import Opened
from maestro_workflow_engine.embedded._payload_garbage import PayloadGarbage
from maestro_workflow_engine.embedded._purge_reader import PurgeReader
from maestro_workflow_engine.embedded._purging import Purging
from maestro_workflow_engine.embedded._queues import Queues
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._retention_keeper import RetentionKeeper
from maestro_workflow_engine.embedded._run_listing import RunListing
from maestro_workflow_engine.embedded._run_reading import EmbeddedReading
from maestro_workflow_engine.embedded._run_starting import EmbeddedStarting
from maestro_workflow_engine.embedded._run_steering import EmbeddedSteering
from maestro_workflow_engine.embedded._schedule_sealing import ScheduleSealer
from maestro_workflow_engine.embedded._schedules import Schedules
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._surroundings import Surroundings
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.embedded._watchdog import Watchdog
from maestro_workflow_engine.embedded._workflow_pausing import EmbeddedPausing

T = TypeVar("T")
_RECOVERED_AT_ONCE = 100


class EmbeddedRunner:
    """Runs workflows in this process and keeps them in one SQLite file.

    Args:
        path: The journal's file; empty for a temporary one that goes when the runner closes.
        registry: The workflows it can run.
        options: Limits, and how payloads are kept.
        surroundings: Time, disk and stand-ins for steps.
    """

    def __init__(
        self,
        path: str,
        registry: WorkflowRegistry,
        options: RunnerOptions,
        *,
        surroundings: Surroundings,
    ) -> None:
        self._path = path
        self._registry = registry
        self._options = options
        self._surroundings = surroundings
        self._declared = {queue.name: queue for queue in options.queues}
        self._stack = AsyncExitStack()
        self._opened: Opened | None = None
        self._starting: EmbeddedStarting | None = None
        self._steering: EmbeddedSteering | None = None
        self._reading: EmbeddedReading | None = None
        self._pausing: EmbeddedPausing | None = None
        self._schedules: Schedules | None = None
        self._watchdog = None if options.block_warning is None else Watchdog(options.block_warning)
        self._purging: Purging | None = None
        self._queues: Queues | None = None

    async def open(self) -> None:
        """Open the journal and take up every unfinished run.

        Raises:
            JournalLockedError: Another engine has it open.
            JournalCorruptError: It is damaged or no journal.
            JournalVersionError: A newer release wrote it.
            JournalError: It cannot be opened.
        """
        async with AsyncExitStack() as stack:
            if self._watchdog is not None:
                stack.enter_context(self._watchdog.kept())
            opened = self._open_parts(stack, self._locked(stack))
            core = opened.core
            kept = opened.reader.schedules()  # what refuses the whole journal does so before a run goes on
            core.events.recover()
            core.admissions.recover(list(self._declared.values()))
            for index, key in enumerate(core.recover()):
                core.take_up(key)
                if index % _RECOVERED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            sealing = ScheduleSealer(opened.sealer)
            schedules = Schedules(opened.uploads, opened.reader, core, self._registry, opened.clock, sealing)
            stack.callback(schedules.close)
            pausing = EmbeddedPausing(opened)
            stack.callback(pausing.close)
            queues = Queues(opened)
            reading = EmbeddedReading(opened, queues)
            stack.callback(reading.close)
            self._opened, self._schedules, self._reading, self._pausing = opened, schedules, reading, pausing
            self._queues = queues
            self._steering = EmbeddedSteering(opened, reading)
            self._starting = EmbeddedStarting(opened, reading, self._steering)
            self._purging = self._open_purging(stack, opened)
            stack.callback(self._let_go)
            core.admissions.begin()
            schedules.recover(kept)
            core.events.outbox.begin()
            stack.push_async_callback(core.events.outbox.close)
            self._stack = stack.pop_all()

    async def close(self) -> None:
        """Stop steps (they run again at the next opening), write what is left, let the journal go."""
        await self._stack.aclose()

    @property
    def failure(self) -> JournalWriteError | None:
        """Why the journal, or the payload store, cannot be written at the moment; None when it can."""
        opened = _open(self._opened)
        return opened.journal.failure or opened.uploads.failure

    async def check(self) -> None:
        """Raise why the journal, or the payload store, cannot be written; pass when it can."""
        if self.failure is not None:
            raise self.failure

    @property
    def blocked(self) -> BlockedInfo | None:
        """What holds the event loop; None when nothing does, or nobody watches."""
        return None if self._watchdog is None else self._watchdog.blocked

    @property
    def at_work(self) -> list[str]:
        """The steps that are at work, or wait for a slot, as `run/number`."""
        runs = _open(self._opened).core.residents
        return [f"{run.id}/{seq}" for run in runs for seq in (*run.steps, *run.queued)]

    @property
    def is_quiet(self) -> bool:
        """Whether every run in memory only waits, or cannot go on, and nothing is on its way to the disk."""
        residents = _open(self._opened).core.residents
        return all(run.is_idle or (run.machine is None and run.problem is not None) for run in residents)

    def registered(self, definition: WorkflowDefinition[..., Any]) -> None:
        """Take up runs that waited for a workflow to be registered."""
        if self._opened is not None:
            self._opened.core.residents.revive()
            self._opened.core.admissions.revive()
        if self._schedules is not None:
            self._schedules.revive()

    def declare(self, queue: Queue) -> None:
        """Add a queue, or change the limits of the one of this name; also before the journal is open."""
        self._declared[queue.name] = queue
        if self._queues is not None:
            self._queues.declare(queue)

    @property
    def starting(self) -> EmbeddedStarting:
        """Makes runs."""
        return _open(self._starting)

    @property
    def steering(self) -> EmbeddedSteering:
        """Intervenes in runs."""
        return _open(self._steering)

    @property
    def reading(self) -> EmbeddedReading:
        """Looks at runs."""
        return _open(self._reading)

    @property
    def queues(self) -> Queues:
        """The queues of this journal."""
        return _open(self._queues)

    @property
    def pausing(self) -> EmbeddedPausing:
        """Pauses workflows."""
        return _open(self._pausing)

    @property
    def purging(self) -> Purging:
        """Deletes runs that have ended."""
        return _open(self._purging)

    @property
    def events(self) -> EmbeddedEvents:
        """Takes events in."""
        return EmbeddedEvents(_open(self._opened))

    @property
    def schedules(self) -> Schedules:
        """The schedules of this journal."""
        return _open(self._schedules)

    def within(self, timeout: timedelta | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block once it has taken longer than this; None for never."""
        return self._surroundings.clock.within(timeout)

    def _locked(self, stack: AsyncExitStack) -> str:
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
        return path

    def _open_parts(self, stack: AsyncExitStack, path: str) -> Opened:
        options, clock = self._options, self._surroundings.clock
        store, sealer = options.payloads.store, Sealer(options.payloads)
        journal = self._surroundings.journal(path)
        stack.push_async_callback(journal.close)
        downloads = None if store is None else Downloads(store)
        reader = JournalReader(path, sealer, {} if downloads is None else downloads.at_hand)
        stack.callback(reader.close)
        listing = RunListing(path)
        stack.callback(listing.close)
        uploads = Uploads(journal, store, clock, journal_id=reader.journal_id())
        stack.push_async_callback(uploads.close)
        core = Core(
            uploads,
            reader,
            self._registry,
            sealer=sealer,
            downloads=downloads,
            max_concurrent=options.max_concurrent,
            max_in_memory=options.max_in_memory,
            threads=options.threads,
            sink=options.event_sink,
            surroundings=self._surroundings,
        )
        stack.callback(core.close)
        return Opened(core, reader, listing, journal, uploads, downloads, sealer, self._registry, clock)

    def _open_purging(self, stack: AsyncExitStack, opened: Opened) -> Purging:
        reader = PurgeReader(opened.journal.path)
        stack.callback(reader.close)
        purging = Purging(opened.core, opened.uploads, reader, opened.clock)
        keeper = RetentionKeeper(purging, self._options.retention, opened.clock)
        opened.core.on_end.append(keeper.ended)
        if self._options.payloads.store is not None:
            garbage = PayloadGarbage(
                opened.uploads,
                self._options.payloads.store,
                reader,
                opened.clock,
                grace=self._options.retention.payloads,
                journal_id=opened.reader.journal_id(),
            )
            stack.push_async_callback(garbage.close)
        stack.push_async_callback(keeper.close)
        return purging

    def _let_go(self) -> None:
        self._opened = self._starting = self._steering = self._reading = self._pausing = self._schedules = None
        self._purging = None
        self._queues = None


def _open(part: T | None) -> T:
    if part is None:
        raise EngineClosedError("the engine is not open; use it inside 'async with WorkflowEngine(...)'")
    return part
