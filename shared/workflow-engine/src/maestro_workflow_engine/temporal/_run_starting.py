"""New runs on the cluster: started, forked off another, taken over from another engine."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import HistoryFormatError, WorkflowConflictError
from maestro_workflow_engine._history_document import HistoryDocument
from maestro_workflow_engine.embedded._branching import before_step
from maestro_workflow_engine.embedded._loading import effective
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._calls import about
from maestro_workflow_engine.temporal._driver import memo_of
from maestro_workflow_engine.temporal._run_reading import TemporalReading
from maestro_workflow_engine.temporal._wire import Start, packed, raw

_propagator = TraceContextTextMapPropagator()


class TemporalStarting:
    """Makes runs; each call returns once the cluster has them."""

    def __init__(self, client: Client, address: TemporalAddress, reading: TemporalReading) -> None:
        self._client = client
        self._address = address
        self._reading = reading

    async def start(self, definition: WorkflowDefinition[..., Any], run_id: str | None, input_: msgspec.Raw) -> str:
        """Start a run, or find the one that has this id.

        Raises:
            WorkflowConflictError: The id belongs to a run of another workflow.
            ClusterUnreachableError: The cluster does not answer.
        """
        run_id = run_id or secrets.token_hex(16)
        start = Start(version=definition.version, trace=_current_trace(), seed=secrets.randbits(62))
        try:
            await self.begin(definition.name, run_id, input_, start)
        except WorkflowAlreadyStartedError as error:
            known = (await self._reading.description(run_id)).workflow_type
            if known != definition.name:
                msg = f"run id {run_id!r} is taken by a run of workflow {known!r}"
                raise WorkflowConflictError(run_id, msg) from error
        return run_id

    async def fork(self, run_id: str, step: int, new_id: str | None) -> str:
        """Make a new run from the beginning of another's history.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowConflictError: The new id is taken.
            StepNotFoundError: The history has no such step.
        """
        new_id = new_id or secrets.token_hex(16)
        document = await self._reading.export(run_id)
        events = before_step(run_id, document.decoded(), step)
        await self._take_up(document, events, new_id)
        return new_id

    async def import_run(self, document: HistoryDocument, run_id: str) -> None:
        """Keep a run of another engine; one that has not ended goes on here.

        Raises:
            HistoryFormatError: The document is no whole history, names no workflow, or its run has ended.
            WorkflowConflictError: There is a run with this id.
        """
        if not document.complete:
            raise HistoryFormatError(
                f"the history of run {document.run_id!r} has gaps: what was lost cannot be made up"
            )
        events = [event for _, event in effective(document.decoded())]
        if isinstance(events[-1], ev.TERMINAL):
            raise HistoryFormatError(f"run {document.run_id!r} has ended: a cluster takes over runs that go on")
        await self._take_up(document, events, run_id)

    async def begin(
        self,
        workflow: str,
        run_id: str,
        input_: msgspec.Raw,
        start: Start,
        *,
        reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.REJECT_DUPLICATE,
    ) -> None:
        """Start a run on the cluster.

        Raises:
            WorkflowAlreadyStartedError: The id is taken.
            ClusterUnreachableError: The cluster does not answer.
        """
        with about(run_id, self._address.target):
            await self._client.start_workflow(
                workflow,
                args=[raw(input_), packed(start)],
                id=run_id,
                task_queue=self._address.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=reuse,
                memo=memo_of(start),
            )

    async def _take_up(self, document: HistoryDocument, events: Sequence[ev.Event], run_id: str) -> None:
        first = next(event for event in events if isinstance(event, ev.RunStarted))
        if document.workflow is None or document.version is None:
            raise HistoryFormatError(
                f"the history of run {document.run_id!r} does not say of which workflow and version"
            )
        start = Start(version=document.version, trace=first.trace, prologue=tuple(events))
        try:
            await self.begin(document.workflow, run_id, first.input, start)
        except WorkflowAlreadyStartedError as error:
            raise WorkflowConflictError(run_id, f"run id {run_id!r} is taken") from error


def _current_trace() -> str | None:
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _propagator.inject(carrier)
    return carrier.get("traceparent")
