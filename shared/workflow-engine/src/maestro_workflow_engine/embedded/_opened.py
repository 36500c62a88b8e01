"""What an open runner consists of, and what all who use it need: a run by its id, a write that is waited for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from maestro_workflow_engine._errors import (
    HistoryPurgedError,
    JournalWriteError,
    WorkflowEndedError,
    WorkflowNotFoundError,
)
from maestro_workflow_engine._records import RunStatus, moment
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._downloads import Downloads
from maestro_workflow_engine.embedded._journal import Journal, Statement, Write
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._run_listing import RunListing
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _events as ev


@dataclass(frozen=True, slots=True)
class Opened:
    """The parts of a runner whose journal is open."""

    core: Core
    reader: JournalReader
    listing: RunListing
    journal: Journal
    uploads: Uploads
    downloads: Downloads | None
    sealer: Sealer
    registry: WorkflowRegistry
    clock: Clock

    def row(self, run_id: str) -> RunRow:
        """Return a run's row.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        row = self.reader.by_id(run_id)
        if row is None:
            raise WorkflowNotFoundError(run_id, f"there is no run {run_id!r}")
        return row

    def unfinished(self, run_id: str) -> LiveRun:
        """Return a run that has not ended, bringing it into memory if need be.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: It has ended.
        """
        run = self.core.live(run_id)
        if run is None or run.is_ending:
            row = self.row(run_id)
            if run is not None or not RunStatus(row.status).is_open:
                raise WorkflowEndedError(run_id, row.status if run is None else "just now")
            run = self.core.residents.find(row)
            if run.is_ending:  # it had died just before its end, which came when it was taken up
                raise WorkflowEndedError(run_id, "just now")
        return run

    def is_taken(self, run_id: str) -> bool:
        """Tell whether there is a run of this id, or one is being taken over from another journal."""
        return (
            run_id in self.core.importing or self.core.live(run_id) is not None or self.reader.by_id(run_id) is not None
        )

    def is_on_its_way(self, run_id: str) -> bool:
        """Tell whether a run of this id is in memory or about to be on disk."""
        return run_id in self.core.importing or self.core.live(run_id) is not None

    async def append(
        self, run: LiveRun, event: ev.Event, status: RunStatus | None = None, *, also: tuple[Statement, ...] = ()
    ) -> None:
        """Journal an event and wait until it is on disk.

        Raises:
            PayloadError: It is too large to be kept.
            JournalWriteError: The disk refuses; it did not happen.
        """
        done = Acknowledgement()
        self.core.append(run, event, status=status, on_durable=done.durable, on_failed=done.failed, also=also)
        await done.wait()

    async def write(self, write: Write) -> None:
        """Write something and wait until it is on disk; its own callbacks are replaced.

        Raises:
            JournalWriteError: The disk refuses; nothing was written.
        """
        done = Acknowledgement()
        write.on_durable, write.on_failed = done.durable, done.failed
        self.uploads.submit(write)
        await done.wait()


def whole(row: RunRow) -> RunRow:
    """Return a run's row if its history is whole.

    Raises:
        HistoryPurgedError: Only the first and the last event are left.
    """
    if row.history_purged_us is not None:
        raise HistoryPurgedError(row.id, moment(row.history_purged_us))
    return row


class Acknowledgement:
    """A write's outcome, for one who waits for it."""

    def __init__(self) -> None:
        self._future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def durable(self) -> None:
        """It is on disk."""
        if not self._future.done():
            self._future.set_result(None)

    def failed(self, error: JournalWriteError) -> None:
        """The disk refuses."""
        if not self._future.done():
            self._future.set_exception(error)

    async def wait(self) -> None:
        """Return once it is on disk.

        Raises:
            JournalWriteError: The disk refuses.
        """
        await self._future
