"""What is done to runs from outside: signals, updates, cancellation, pauses, redrives."""

from __future__ import annotations

import msgspec

from maestro_workflow_engine._errors import WorkflowConflictError, WorkflowEndedError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.embedded._branching import redrives
from maestro_workflow_engine.embedded._opened import Opened
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
        async with self._reading.at_hand(run_id, Reading.HISTORY):
            known = [event for _, event in reader.history(row.key) if getattr(event, "update_id", "") == update_id]
        for event in known:
            if isinstance(event, ev.UpdateAnswered):
                return event
        run = self._opened.unfinished(run_id)
        answer = core.answers.expect(run.key, update_id)
        if not known:
            await self._opened.append(run, ev.UpdateRequested(self._opened.clock.now_us(), update_id, name, payload))
        return await answer

    async def cancel(self, run_id: str, reason: str) -> None:
        """Ask a run to stop; returns once that is on disk. A run that has ended stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
            JournalWriteError: The disk refuses; the run was not asked.
        """
        try:
            run = self._opened.unfinished(run_id)
            await self._opened.append(run, ev.CancelRequested(self._opened.clock.now_us(), reason))
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
        if not run.is_paused:
            await self._opened.append(run, ev.RunPaused(self._opened.clock.now_us(), reason), RunStatus.PAUSED)

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on; one that is not paused stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: The disk refuses; the run stays paused.
        """
        run = self._opened.unfinished(run_id)
        if run.is_paused:
            await self._opened.append(run, ev.RunResumed(self._opened.clock.now_us()), RunStatus.RUNNING)

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
            WorkflowConflictError: It has not failed, is a child, failed outside any step, or is being purged.
            HistoryPurgedError: Its history is not whole any more.
            JournalWriteError: The disk refuses; the run stays as it is.
        """
        core, reader = self._opened.core, self._opened.reader
        async with self._reading.at_hand(run_id, Reading.HISTORY):
            redriven = redrives(reader, self._opened.sealer, self._opened.row(run_id), self._opened.clock.now_us())
            keys = [row.key for row, _ in redriven]
            if not core.purging.isdisjoint(keys):
                raise WorkflowConflictError(run_id, f"run {run_id!r} is being purged")
            with retrying(core, keys):
                for _, write in redriven:
                    await self._opened.write(write)
        for row, _ in redriven:
            core.residents.load(row.key)
