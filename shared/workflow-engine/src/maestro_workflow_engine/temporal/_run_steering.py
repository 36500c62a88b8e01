"""What is done to runs on the cluster from outside."""

from __future__ import annotations

import contextlib

import msgspec
from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import RawValue

from maestro_workflow_engine._errors import (
    ClusterUnreachableError,
    UpdateRejectedError,
    WorkflowConflictError,
    WorkflowEndedError,
    WorkflowNotFoundError,
)
from maestro_workflow_engine._failure import Failure, describe
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._calls import about
from maestro_workflow_engine.temporal._failures import detail_of
from maestro_workflow_engine.temporal._redriving import Redriving
from maestro_workflow_engine.temporal._run_reading import TemporalReading, status_of
from maestro_workflow_engine.temporal._run_starting import TemporalStarting
from maestro_workflow_engine.temporal._sizes import Sizes
from maestro_workflow_engine.temporal._unsupported import unsupported
from maestro_workflow_engine.temporal._wire import PAUSE, RESUME, Reason, json_of, packed, raw


class TemporalSteering:
    """Intervenes in runs; each call returns once the cluster has taken note."""

    def __init__(self, client: Client, reading: TemporalReading, starting: TemporalStarting, sizes: Sizes) -> None:
        self._client = client
        self._reading = reading
        self._starting = starting
        self._sizes = sizes

    async def signal(self, run_id: str, name: str, payload: msgspec.Raw) -> None:
        """Send a signal.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            PayloadError: The payload is too large.
        """
        self._sizes.check("payload", payload)
        await self._send(run_id, name, raw(payload))

    async def update(self, run_id: str, update_id: str, name: str, payload: msgspec.Raw) -> ev.UpdateAnswered:
        """Ask for an update and wait for its answer.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            ClusterUnreachableError: The cluster does not answer.
            PayloadError: The payload is too large.
        """
        self._sizes.check("payload", payload)
        with about(run_id, self._reading.target):
            try:
                handle = self._client.get_workflow_handle(run_id)
                answer = await self._reading.waits.until(
                    handle.execute_update(name, args=[raw(payload)], id=update_id, result_type=RawValue)
                )
            except WorkflowUpdateRPCTimeoutOrCancelledError as error:
                raise ClusterUnreachableError(self._reading.target, str(error)) from error
            except WorkflowUpdateFailedError as error:
                return ev.UpdateAnswered(0, update_id, failure=_refusal(run_id, name, error))
        return ev.UpdateAnswered(0, update_id, json_of([answer]))

    async def cancel(self, run_id: str, reason: str) -> None:
        """Ask a run to stop; one that has ended stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        with contextlib.suppress(WorkflowEndedError), about(run_id, self._reading.target):
            await self._client.get_workflow_handle(run_id).cancel(reason=reason)

    async def terminate(self, run_id: str, reason: str) -> None:
        """End a run at once; one that has ended stays as it is.

        Raises:
            WorkflowNotFoundError: No such run.
        """
        with contextlib.suppress(WorkflowEndedError), about(run_id, self._reading.target):
            await self._client.get_workflow_handle(run_id).terminate(reason=reason)

    async def pause(self, run_id: str, reason: str) -> None:
        """Start nothing more of a run.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
        """
        await self._send(run_id, PAUSE, packed(Reason(reason)))

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
        """
        await self._send(run_id, RESUME, raw(b"null"))

    async def retry(self, run_id: str) -> None:
        """Let a failed run go on from its last failed step: a new run under its id begins with what completed before.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowConflictError: It has not failed, is a child, or failed outside any step.
        """
        found = await self._reading.detail(run_id)
        if found.parent_id is not None and await self._is_needed_by(found.parent_id):
            raise WorkflowConflictError(run_id, f"run {run_id!r} is a child: retry {found.parent_id!r} instead")
        if found.status is not RunStatus.FAILED:
            msg = f"run {run_id!r} has not failed ({found.status}); only failed runs can be retried"
            raise WorkflowConflictError(run_id, msg)
        start = await Redriving(self._reading).of_failed(run_id)
        await self._starting.begin_again(found.workflow, run_id, start)

    async def reprioritize(self, run_id: str, priority: int) -> None:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("moving of runs within a queue", "give the priority when the run is started")

    async def _is_needed_by(self, parent_id: str) -> bool:
        """Tell whether a parent goes on, or has failed and may be retried itself."""
        try:
            return status_of(await self._reading.description(parent_id)) is not RunStatus.COMPLETED
        except WorkflowNotFoundError:  # it is no longer kept
            return False

    async def _send(self, run_id: str, name: str, payload: RawValue) -> None:
        try:
            with about(run_id, self._reading.target):
                await self._client.get_workflow_handle(run_id).signal(name, args=[payload])
        except WorkflowEndedError as error:
            raise WorkflowEndedError(run_id, status_of(await self._reading.description(run_id))) from error


def _refusal(run_id: str, name: str, error: WorkflowUpdateFailedError) -> Failure:
    failure = detail_of(error.cause).failure
    if failure.type == "AcceptedUpdateCompletedWorkflow":
        return describe(UpdateRejectedError(run_id, name, "the run ended before it was answered"))
    return failure
