"""A handle on a run."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import UpdateFailedError
from maestro_workflow_engine._failure import rebuild
from maestro_workflow_engine._records import HistoryEvent, RunDetail
from maestro_workflow_engine._retention import PurgeReport
from maestro_workflow_engine._runner import Runner
from maestro_workflow_engine._start_options import check_priority

R = TypeVar("R")


class WorkflowHandle(Generic[R]):
    """Refers to one run by its id; it holds no resources.

    Attributes:
        id: The run's id.
    """

    def __init__(self, runner: Runner, run_id: str, definition: WorkflowDefinition[..., R] | None = None) -> None:
        self.id = run_id
        self._runner = runner
        self._definition = definition

    async def result(self, timeout: timedelta | None = None) -> R:
        """Wait for the run to end.

        Args:
            timeout: How long to wait. Default: for ever. The run goes on either way.

        Returns:
            What the workflow returned, of the type it declares; plain JSON values when the handle was made by id.

        Raises:
            TimeoutError: It has not ended in time.
            WorkflowFailedError: It failed.
            WorkflowCancelledError: It was cancelled.
            WorkflowTerminatedError: It was terminated.
            WorkflowNotFoundError: No such run.
            PayloadUnreadableError: The result cannot be read back.
            PayloadStoreError: The payload store cannot be reached.
        """
        async with self._runner.within(timeout):
            raw = await self._runner.reading.result(self.id)
        if self._definition is not None:
            return cast("R", self._definition.signature.decode_result(raw))
        return cast("R", _payload.decode(raw))

    async def status(self) -> RunDetail:
        """Return the run in full: status, input, output, failure, what it waits for.

        Raises:
            WorkflowNotFoundError: No such run.
            PayloadStoreError: The payload store cannot be reached. (What else cannot be read is the detail's `problem`.)
        """
        return await self._runner.reading.detail(self.id)

    async def signal(self, name: str, payload: Any = None) -> None:
        """Send a signal; returns once it is kept.

        Args:
            name: What the workflow `receive`s.
            payload: Any JSON-like value or model.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            PayloadError: The payload has no JSON form, or is too large for an engine without a payload store.
            JournalWriteError: It cannot be kept at the moment; it was not sent.
        """
        await self._runner.steering.signal(self.id, name, _payload.encode(payload))

    async def update(
        self,
        name: str,
        payload: Any = None,
        *,
        id: str | None = None,  # noqa: A002  the field's term
        timeout: timedelta | None = None,
    ) -> Any:
        """Ask the workflow for something and wait for its answer.

        Args:
            name: What the workflow handles with `on_update`.
            payload: Any JSON-like value or model.
            id: The update's id; asking again with the same one is the same request. Default: a new one.
            timeout: How long to wait. Default: for ever. The update goes on either way.

        Returns:
            What the handler returned, as JSON.

        Raises:
            TimeoutError: The answer did not come in time.
            UpdateRejectedError: No handler takes it, its payload does not fit, or the run ended first.
            UpdateFailedError: The handler or validator raised something that cannot be made again here.
            Exception: What the handler or validator raised; its `__cause__` is the UpdateFailedError.
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            PayloadError: The payload has no JSON form.
            JournalWriteError: It cannot be kept at the moment; it was not asked for.
        """
        update_id = id or uuid.uuid4().hex
        async with self._runner.within(timeout):
            answer = await self._runner.steering.update(self.id, update_id, name, _payload.encode(payload))
        if answer.failure is not None:
            failed = UpdateFailedError(name, answer.failure)
            raised = rebuild(answer.failure)
            if raised is None:
                raise failed
            raise raised from failed
        return None if answer.output is msgspec.UNSET else _payload.decode(answer.output)

    async def cancel(self, reason: str = "") -> None:
        """Ask the run to stop: the workflow sees asyncio.CancelledError and may still clean up.

        Asking again changes nothing, so that a caller who did not hear the answer may. `terminate` does not wait for clean-up.

        Args:
            reason: Kept in the history.

        Raises:
            WorkflowNotFoundError: No such run.
            JournalWriteError: It cannot be kept at the moment; the run was not asked.
        """
        await self._runner.steering.cancel(self.id, reason)

    async def terminate(self, reason: str = "") -> None:
        """End the run at once, without letting it clean up; its children are asked to stop.

        Args:
            reason: Kept in the history.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        await self._runner.steering.terminate(self.id, reason)

    async def pause(self, reason: str = "") -> None:
        """Start nothing more of the run until it is resumed. Attempts that are under way go on; signals are kept.

        Args:
            reason: Kept in the history.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: It cannot be kept at the moment; the run was not paused.
        """
        await self._runner.steering.pause(self.id, reason)

    async def resume(self) -> None:
        """Let a paused run go on; timers that fell due meanwhile fire at once.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            JournalWriteError: It cannot be kept at the moment; the run stays paused.
        """
        await self._runner.steering.resume(self.id)

    async def reprioritize(self, priority: int) -> None:
        """Move the run within the queue it waits in; among those of its new priority it has the place its age gives it.

        Args:
            priority: 0 (most urgent) to 9.

        Raises:
            StartOptionsError: The priority is none.
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            WorkflowConflictError: It waits in no queue, or has begun.
            JournalWriteError: It cannot be kept at the moment; the run stands where it stood.
        """
        check_priority(priority)
        await self._runner.steering.reprioritize(self.id, priority)

    async def retry(self) -> None:
        """Let a failed run go on from its last failed step; steps that completed before it do not run again.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowConflictError: It has not failed, is a child, failed outside any step, or is being purged.
            HistoryPurgedError: Its history was purged.
            JournalWriteError: It cannot be kept at the moment; the run stays as it is.
        """
        await self._runner.steering.retry(self.id)

    async def delete(self) -> PurgeReport:
        """Delete the run, which must have ended, and its children with it; returns once they are gone. Its id is free then.

        Returns:
            What was deleted.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowOpenError: It, or a child of it, has not ended (`open_ids`); nothing was deleted.
            WorkflowConflictError: Its parent needs it for a retry, or somebody follows or retries it; nothing was deleted.
            JournalWriteError: The journal cannot be written at the moment; the run is there, children of it may be gone.
        """
        return await self._runner.purging.delete(self.id)

    async def query(self, key: str) -> Any:
        """Return what the workflow has published.

        Args:
            key: What it was published under.

        Returns:
            The value, as JSON.

        Raises:
            WorkflowNotFoundError: No such run.
            QueryNotFoundError: Nothing was published under this key.
            HistoryPurgedError: The run has ended and its history was purged.
            PayloadUnreadableError: A payload of the run cannot be read back.
            PayloadStoreError: The payload store cannot be reached.
        """
        return _payload.decode(await self._runner.reading.query(self.id, key))

    async def history(self) -> list[HistoryEvent]:
        """Return everything that happened to the run, in order.

        Of a run whose history was purged (`status().history_purged_at`) these are the first and the last event.

        Raises:
            WorkflowNotFoundError: No such run.
            PayloadUnreadableError: A payload cannot be read back.
            PayloadStoreError: The payload store cannot be reached.
        """
        return await self._runner.reading.history(self.id)

    async def export_history(self) -> dict[str, Any]:
        """Return the run as a JSON document, its payloads in the clear: for `replay`, for `engine.import_run`, for keeping.

        Returns:
            Plain JSON values: format version, run id, workflow, version, and the events as the journal has them.

        Raises:
            WorkflowNotFoundError: No such run.
            HistoryPurgedError: The run has ended and its history was purged.
            PayloadUnreadableError: A payload cannot be read back.
            PayloadStoreError: The payload store cannot be reached.
        """
        return (await self._runner.reading.export(self.id)).as_json()

    def __repr__(self) -> str:
        return f"<run {self.id}>"
