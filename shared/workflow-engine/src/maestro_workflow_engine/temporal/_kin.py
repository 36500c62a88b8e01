"""What a hosted run has to do with other runs: child workflows, and signals and cancel requests to runs known by id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import exceptions as te
from temporalio import workflow as temporal
from temporalio.common import RawValue

from maestro_workflow_engine._errors import WorkflowConflictError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._kin import child_id
from maestro_workflow_engine.temporal._failures import child_failure, request_failure
from maestro_workflow_engine.temporal._search import memo_of, search_attributes_of
from maestro_workflow_engine.temporal._wire import ANNOUNCED, Start, json_of, numbered, packed, raw

_ON_CLOSE = {
    ParentClose.CANCEL: temporal.ParentClosePolicy.REQUEST_CANCEL,
    ParentClose.TERMINATE: temporal.ParentClosePolicy.TERMINATE,
    ParentClose.ABANDON: temporal.ParentClosePolicy.ABANDON,
}
Child = temporal.ChildWorkflowHandle[Any, Any]


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
        self._children: dict[int, Child] = {}

    async def child(self, command: cmd.StartChild, trace: str | None, *, searchable: bool) -> ev.Event:
        """Start a child and return how it ended; that it has begun is reported on the way, where that is wanted.

        Raises:
            asyncio.CancelledError: Nobody waits for it any more; it was asked to stop.
        """
        run_id = child_id(self._id, command.seq, command.run_id)
        seed = temporal.random().getrandbits(62)
        start = Start(version=command.version, trace=trace, seed=seed, searchable=searchable)
        try:
            handle: Child = await temporal.start_child_workflow(
                command.workflow,
                args=[raw(command.input), packed(start)],
                id=run_id,
                static_summary=f"{ANNOUNCED if command.announce else 'child'} {command.seq}",
                result_type=RawValue,
                parent_close_policy=_ON_CLOSE[ParentClose(command.on_close)],
                memo=memo_of(start),
                search_attributes=search_attributes_of(start),
            )
        except te.WorkflowAlreadyStartedError:
            taken = WorkflowConflictError(run_id, f"run id {run_id!r} is taken by another run")
            return ev.ChildFailed(self._now_us(), command.seq, command.workflow, run_id, describe(taken))
        self._children[command.seq] = handle
        if command.announce:
            self._feed(ev.ChildStarted(self._now_us(), command.seq, command.workflow, run_id))
        try:
            result = await handle
        except te.ChildWorkflowError as error:
            failure = child_failure(run_id, error)
            if failure is None:
                return ev.ChildCancelled(self._now_us(), command.seq, command.workflow, run_id)
            return ev.ChildFailed(self._now_us(), command.seq, command.workflow, run_id, failure)
        return ev.ChildCompleted(self._now_us(), command.seq, command.workflow, run_id, json_of([result]))

    async def signal(self, command: cmd.SendSignal) -> ev.Event:
        """Send a signal and return what came of it."""
        try:
            target, ended = self._target(command.run_id, command.child)
            if ended is not None:
                return self._refused(command.seq, command.run_id, None, ended)
            await target.signal(command.name, args=[numbered(command.payload, command.seq)])
        except te.FailureError as error:
            return self._refused(command.seq, command.run_id, error, None)
        return ev.SignalSent(self._now_us(), command.seq, command.run_id, command.name)

    async def cancel(self, command: cmd.SendCancel) -> ev.Event:
        """Ask another run to stop and return what came of it."""
        try:
            target, ended = self._target(command.run_id, command.child)
            if ended is not None:
                return self._refused(command.seq, command.run_id, None, ended)
            await target.cancel(reason=command.reason)
        except te.FailureError as error:
            return self._refused(command.seq, command.run_id, error, None)
        return ev.CancelSent(self._now_us(), command.seq, command.run_id)

    def _target(self, run_id: str, child: int) -> tuple[temporal.ExternalWorkflowHandle[Any], str | None]:
        known = self._children.get(child)
        if known is None:
            return temporal.get_external_workflow_handle(run_id), None
        return temporal.get_external_workflow_handle(run_id), "some time ago" if known.done() else None

    def _refused(self, seq: int, run_id: str, error: te.FailureError | None, ended: str | None) -> ev.RequestFailed:
        failure = request_failure(run_id, error or te.FailureError("ended"), ended)
        return ev.RequestFailed(self._now_us(), seq, run_id, failure)
