"""What a hosted run has to do with other runs: child workflows, and signals and cancel requests to runs known by id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import exceptions as te
from temporalio import workflow as temporal
from temporalio.common import RawValue, WorkflowIDReusePolicy

from maestro_workflow_engine._errors import WorkflowConflictError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._kin import child_id
from maestro_workflow_engine.temporal._failures import child_failure, request_failure
from maestro_workflow_engine.temporal._search import memo_of, search_attributes_of
from maestro_workflow_engine.temporal._wire import ANNOUNCED, TO_ITSELF, Request, Start, json_of, numbered, packed, raw

_ATTEMPT = timedelta(seconds=10)

_ON_CLOSE = {
    ParentClose.CANCEL: temporal.ParentClosePolicy.REQUEST_CANCEL,
    ParentClose.TERMINATE: temporal.ParentClosePolicy.TERMINATE,
    ParentClose.ABANDON: temporal.ParentClosePolicy.ABANDON,
}


def _reuse(command: cmd.StartChild, parent: Start) -> WorkflowIDReusePolicy:
    """Tell which ended runs give up their id: those of a pass of the same parent before it was retried or started anew."""
    if command.run_id is None:
        return WorkflowIDReusePolicy.ALLOW_DUPLICATE
    return (
        WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY if parent.prologue else WorkflowIDReusePolicy.REJECT_DUPLICATE
    )


class Kin:
    """The other runs of one run.

    Args:
        run_id: The run.
        feed: Hands an event to the machine.
        now_us: The workflow's time.
    """

    def __init__(self, run_id: str, feed: Callable[[ev.Event], None], now_us: Callable[[], int]) -> None:
        self._id = run_id
        self._feed = feed
        self._now_us = now_us
        self._ends: dict[int, str] = {}  # of children by handle, as statuses

    async def child(self, command: cmd.StartChild, parent: Start, trace: str | None) -> ev.Event:
        """Start a child and return how it ended; that it has begun is reported on the way, where that is wanted.

        Args:
            command: What the workflow asked for.
            parent: How the parent began.
            trace: The parent's W3C traceparent.

        Raises:
            asyncio.CancelledError: Nobody waits for it any more; it was asked to stop.
        """
        run_id = child_id(self._id, command.seq, command.run_id)
        start = (parent.children or {}).get(command.seq) or parent.revived.get(run_id)
        if start is None:
            seed = temporal.random().getrandbits(62)
            start = Start(version=command.version, trace=trace, seed=seed, searchable=parent.searchable)
        try:
            handle: temporal.ChildWorkflowHandle[Any, Any] = await temporal.start_child_workflow(
                command.workflow,
                args=[raw(command.input), packed(start)],
                id=run_id,
                id_reuse_policy=_reuse(command, parent),
                static_summary=f"{ANNOUNCED if command.announce else 'child'} {command.seq}",
                result_type=RawValue,
                parent_close_policy=_ON_CLOSE[ParentClose(command.on_close)],
                memo=memo_of(start),
                search_attributes=search_attributes_of(start),
            )
        except te.WorkflowAlreadyStartedError:
            taken = WorkflowConflictError(run_id, f"run id {run_id!r} is taken by another run")
            return ev.ChildFailed(self._now_us(), command.seq, command.workflow, run_id, describe(taken))
        if command.announce:
            self._feed(ev.ChildStarted(self._now_us(), command.seq, command.workflow, run_id))
        try:
            result = await handle
        except te.ChildWorkflowError as error:
            failure = child_failure(run_id, error)
            self._ends[command.seq] = "cancelled" if failure is None else "failed"
            if failure is None:
                return ev.ChildCancelled(self._now_us(), command.seq, command.workflow, run_id)
            return ev.ChildFailed(self._now_us(), command.seq, command.workflow, run_id, failure)
        self._ends[command.seq] = "completed"
        return ev.ChildCompleted(self._now_us(), command.seq, command.workflow, run_id, json_of([result]))

    async def signal(self, command: cmd.SendSignal) -> ev.Event:
        """Send a signal and return what came of it."""
        if command.child in self._ends:
            return self._refused(command, None)
        if command.run_id == self._id:
            await self._ask_itself(command.seq, numbered(command.payload, command.seq), Request(command.name))
            return ev.SignalSent(self._now_us(), command.seq, command.run_id, command.name)
        target = temporal.get_external_workflow_handle(command.run_id)
        try:
            await target.signal(command.name, args=[numbered(command.payload, command.seq)])
        except te.FailureError as error:
            return self._refused(command, error)
        return ev.SignalSent(self._now_us(), command.seq, command.run_id, command.name)

    async def cancel(self, command: cmd.SendCancel) -> ev.Event:
        """Ask another run to stop and return what came of it."""
        if command.child in self._ends:
            return self._refused(command, None)
        if command.run_id == self._id:
            await self._ask_itself(command.seq, raw(b"null"), Request(reason=command.reason))
            return ev.CancelSent(self._now_us(), command.seq, command.run_id)
        target = temporal.get_external_workflow_handle(command.run_id)
        try:
            await target.cancel(reason=command.reason)
        except te.FailureError as error:
            return self._refused(command, error)
        return ev.CancelSent(self._now_us(), command.seq, command.run_id)

    @staticmethod
    async def _ask_itself(seq: int, payload: RawValue, request: Request) -> None:
        await temporal.execute_activity(
            TO_ITSELF,
            args=[payload, packed(request)],
            activity_id=str(seq),
            start_to_close_timeout=_ATTEMPT,  # the cluster tries again for ever, and knows the request by its id
        )

    def _refused(self, command: cmd.SendSignal | cmd.SendCancel, error: te.FailureError | None) -> ev.RequestFailed:
        failure = request_failure(command.run_id, error, self._ends.get(command.child))
        return ev.RequestFailed(self._now_us(), command.seq, command.run_id, failure)
