"""What is done to runs from outside: signals, updates, cancellation, pauses, redrives."""

from __future__ import annotations

from contextlib import nullcontext

import msgspec

from maestro_workflow_engine._errors import (
    JournalWriteError,
    PayloadError,
    WorkflowConflictError,
    WorkflowEndedError,
)
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.embedded import _queue_rows as rows
from maestro_workflow_engine.embedded._branching import redrives
from maestro_workflow_engine.embedded._opened import Acknowledgement, Opened
from maestro_workflow_engine.embedded._purging import retrying
from maestro_workflow_engine.embedded._run_reading import EmbeddedReading, Reading
from maestro_workflow_engine.machine import _events as ev


class EmbeddedSteering:
    """Intervenes in runs; each call returns once what it did is on disk."""

    def __init__(self, opened: Opened, reading: EmbeddedReading) -> None:
        self._opened = opened
        self._reading = reading

    async def signal(self, run_id: str, name: str, payload: msgspec.Raw) -> None:
        """Send a signal; returns once it is on disk.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: The disk refuses; the signal was not sent.
        """
        now = self._opened.clock.now_us()
        await self._opened.append(self._opened.unfinished(run_id), ev.SignalReceived(now, name, payload))

    async def update(self, run_id: str, update_id: str, name: str, payload: msgspec.Raw) -> ev.UpdateAnswered:
        """Ask for an update and wait for its answer. Asking again with the same id is the same request.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended, or ends before it answers.
            JournalWriteError: The disk refuses; the update was not asked for.
            EngineClosedError: The engine closed before the answer came.
        """
        core, reader = self._opened.core, self._opened.reader
        row = self._opened.row(run_id)
        rows_of_it = reader.of_update(row.key, update_id)
        downloads = self._opened.downloads
        async with nullcontext() if downloads is None else downloads.of([data for _, data in rows_of_it]):
            found = reader.decoded(row.key, rows_of_it)
        known = [
            event for event in found if getattr(event, "update_id", None) == update_id
        ]  # a payload may have the text
        for event in known:
            if isinstance(event, ev.UpdateAnswered):
                return event
        run = self._opened.unfinished(run_id)
        answer = core.answers.expect(run.key, update_id)
        if not known:
            await self._opened.append(run, ev.UpdateRequested(self._opened.clock.now_us(), update_id, name, payload))
        return await answer

    async def cancel(self, run_id: str, reason: str) -> None:
        """Ask a run to stop; returns once that is on disk. One that has not begun ends; one that has ended stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
            JournalWriteError: The disk refuses; the run was not asked.
        """
        try:
            run, done = self._opened.unfinished(run_id), Acknowledgement()
            self._opened.core.cancel(run, reason, on_durable=done.durable, on_failed=done.failed)
            await done.wait()
        except WorkflowEndedError:
            return

    async def pause(self, run_id: str, reason: str) -> None:
        """Start nothing more of a run; attempts that are under way go on. Pausing a paused run changes nothing.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: The disk refuses; the run was not paused.
        """
        run = self._opened.unfinished(run_id)
        if run.is_paused:
            return
        self._opened.core.admissions.hold(run.key, is_held=True)  # or it may begin while this is being written
        try:
            await self._opened.append(run, ev.RunPaused(self._opened.clock.now_us(), reason), RunStatus.PAUSED)
        except (JournalWriteError, PayloadError):
            self._opened.core.admissions.hold(run.key, is_held=False)
            raise

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on; one that is not paused stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: The disk refuses; the run stays paused.
        """
        run = self._opened.unfinished(run_id)
        if run.is_paused:
            status = RunStatus.QUEUED if self._opened.core.admissions.waits(run.key) else RunStatus.RUNNING
            await self._opened.append(run, ev.RunResumed(self._opened.clock.now_us()), status)

    async def reprioritize(self, run_id: str, priority: int) -> None:
        """Move a run within its queue.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            WorkflowConflictError: It waits in no queue, or has begun.
            JournalWriteError: The disk refuses; it stands where it stood.
        """
        run, admissions = self._opened.unfinished(run_id), self._opened.core.admissions
        place = admissions.places.get(run.key)
        if place is None or place.counts or place.admission.queue is None:
            why = "has begun" if place is not None and place.counts else "waits in no queue"
            raise WorkflowConflictError(run_id, f"run {run_id!r} {why}: a priority counts while a run waits in a queue")
        before = place.admission.priority
        admissions.reprioritize(place, priority)
        try:
            await self._opened.append(
                run,
                ev.RunReprioritized(self._opened.clock.now_us(), priority),
                also=(rows.change(run.key, place.admission),),
            )
        except JournalWriteError:
            admissions.reprioritize(place, before)
            raise

    async def terminate(self, run_id: str, reason: str) -> None:
        """End a run at once. One that has ended stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        core = self._opened.core
        try:
            run = self._opened.unfinished(run_id)
        except WorkflowEndedError:
            return
        core.terminate(run, reason)  # at once: a run that only waits may leave memory whenever the event loop turns
        await core.endings.wait(run.key)

    async def retry(self, run_id: str) -> None:
        """Let a failed run go on from its last failed step; steps that completed before it do not run again.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowConflictError: It has not failed, is a child, or failed outside any step; or another run has its id or its
                singleton key by now, or it is being purged.
            HistoryPurgedError: Its history is not whole any more.
            JournalWriteError: The disk refuses; the run stays as it is.
        """
        core, reader = self._opened.core, self._opened.reader
        async with self._reading.at_hand(run_id, Reading.HISTORY):
            redriven = redrives(reader, self._opened.sealer, self._opened.row(run_id), self._opened.clock.now_us())
            started = reader.started(redriven[-1][0].key)
        keys = [row.key for row, _ in redriven]
        if not core.purging.isdisjoint(keys):
            raise WorkflowConflictError(run_id, f"run {run_id!r} is being purged")
        give_up = core.admissions.reclaim(redriven[-1][0], None if started is None else started.admission)
        try:
            with retrying(core, keys):
                for _, write in redriven:
                    await self._opened.write(write)
        except JournalWriteError:
            give_up()
            raise
        for row, _ in redriven:
            core.admissions.adopt(row.key)
            core.residents.load(row.key)
