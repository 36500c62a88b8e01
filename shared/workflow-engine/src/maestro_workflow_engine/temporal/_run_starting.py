"""New runs on the cluster: started, forked off another, taken over from another engine."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from maestro_workflow_engine._attributes import checked
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import HistoryFormatError, WorkflowConflictError, WorkflowEndedError
from maestro_workflow_engine._history_document import HistoryDocument
from maestro_workflow_engine._start_options import StartOptions
from maestro_workflow_engine.embedded._attribute_rows import attributes_of
from maestro_workflow_engine.embedded._branching import before_step
from maestro_workflow_engine.embedded._loading import effective
from maestro_workflow_engine.embedded._start_verdict import Verdict, verdict
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._calls import about
from maestro_workflow_engine.temporal._history import has_not_begun
from maestro_workflow_engine.temporal._priority import priority_of
from maestro_workflow_engine.temporal._run_reading import TemporalReading, status_of
from maestro_workflow_engine.temporal._search import memo_of, search_attributes_of
from maestro_workflow_engine.temporal._sizes import Sizes
from maestro_workflow_engine.temporal._unsupported import UnlimitedQueues, check_options, unsupported
from maestro_workflow_engine.temporal._wire import Start, packed, raw

_PLAIN = StartOptions()
_propagator = TraceContextTextMapPropagator()


class TemporalStarting:
    """Makes runs; each call returns once the cluster has them."""

    def __init__(
        self,
        client: Client,
        address: TemporalAddress,
        reading: TemporalReading,
        queues: UnlimitedQueues,
        sizes: Sizes,
    ) -> None:
        self.sizes = sizes
        self._client = client
        self._address = address
        self._reading = reading
        self._queues = queues
        self._searchable = reading.searchable

    async def start(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str | None,
        input_: msgspec.Raw,
        options: StartOptions | None = None,
    ) -> str:
        """Start a run, or find the one that has this id.

        Raises:
            WorkflowConflictError: The id belongs to a run of another workflow, or to the child of one that would be displaced.
            RunExistsError: There is such a run, and the options say that this is an error.
            UnsupportedByRunnerError: The options ask for what a cluster cannot do.
            QueueNotFoundError: The queue is not declared.
            PayloadError: The input is too large.
            ClusterUnreachableError: The cluster does not answer.
        """
        options = options or _PLAIN
        check_options(options)
        self.sizes.check("input", input_)
        if options.queue is not None:
            self._queues.check(options.queue)
        run_id = run_id or secrets.token_hex(16)
        start = Start(
            version=definition.version,
            trace=_current_trace(),
            seed=secrets.randbits(62),
            attributes=checked(options.attributes) or None,
            not_before_us=_not_before(options),
            searchable=self._searchable,
        )
        priority = priority_of(options.queue, options.priority, options.tenant)
        reuse = WorkflowIDReusePolicy.REJECT_DUPLICATE
        while True:
            try:
                await self.begin(definition.name, run_id, input_, start, reuse=reuse, priority=priority)
            except WorkflowAlreadyStartedError:
                found = await self._reading.description(run_id)
                if found.workflow_type != definition.name:
                    msg = f"run id {run_id!r} is taken by a run of workflow {found.workflow_type!r}"
                    raise WorkflowConflictError(run_id, msg) from None
            else:
                return run_id
            decided = verdict(run_id, status_of(found), options)
            if decided is Verdict.USE:
                return run_id
            if found.parent_id is not None:
                msg = f"run {run_id!r} is the child of another run, which needs it under its id"
                raise WorkflowConflictError(run_id, msg)
            if decided is not Verdict.DISPLACE:
                await self._ended(run_id, found.run_id, is_asked=decided is Verdict.CANCEL)
            # Step numbers go on where the run before stopped: idempotency keys are made of id and number.
            last_seq = await self._reading.last_seq(run_id, found.run_id)
            start = msgspec.structs.replace(start, first_seq=last_seq)
            reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE

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
        await self.take_up(document, events, new_id)
        return new_id

    async def import_run(self, document: HistoryDocument, run_id: str) -> None:
        """Keep a run of another engine; one that has not ended goes on here.

        Raises:
            HistoryFormatError: The document is no whole history, or names no workflow.
            UnsupportedByRunnerError: The run has ended.
            WorkflowConflictError: There is a run with this id.
        """
        if not document.complete:
            raise HistoryFormatError(
                f"the history of run {document.run_id!r} has gaps: what was lost cannot be made up"
            )
        events = [event for _, event in effective(document.decoded())]
        if isinstance(events[-1], ev.TERMINAL):
            raise unsupported(
                f"import of runs that have ended ({document.run_id!r})", "keep what has ended in an embedded journal"
            )
        await self.take_up(document, events, run_id)

    async def begin(
        self,
        workflow: str,
        run_id: str,
        input_: msgspec.Raw,
        start: Start,
        *,
        reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.REJECT_DUPLICATE,
        priority: Priority = Priority.default,
    ) -> None:
        """Start a run on the cluster.

        Raises:
            WorkflowAlreadyStartedError: The id is taken.
            ClusterUnreachableError: The cluster does not answer.
        """
        delay = timedelta(microseconds=start.not_before_us - time.time_ns() // 1000)
        with about(run_id, self._address.target):
            await self._client.start_workflow(
                workflow,
                args=[raw(input_), packed(start)],
                id=run_id,
                task_queue=self._address.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=reuse,
                memo=memo_of(start),
                search_attributes=search_attributes_of(start),
                start_delay=delay if start.not_before_us and delay > timedelta(0) else None,
                priority=priority,
            )

    async def begin_again(self, workflow: str, run_id: str, start: Start) -> None:
        """Start a failed run anew, under its id, from where it goes on.

        Raises:
            WorkflowConflictError: It goes on already.
        """
        first = next(event for event in start.prologue if isinstance(event, ev.RunStarted))
        reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
        try:
            await self.begin(workflow, run_id, first.input, start, reuse=reuse)
        except WorkflowAlreadyStartedError as error:
            raise WorkflowConflictError(run_id, f"run {run_id!r} goes on already") from error

    async def take_up(self, document: HistoryDocument, events: Sequence[ev.Event], run_id: str) -> None:
        """Start a run that begins with events of another one, or of another engine.

        Raises:
            WorkflowConflictError: The id is taken.
            HistoryFormatError: The document does not say of which workflow it is.
        """
        first = next((event for event in events if isinstance(event, ev.RunStarted)), None)
        if document.workflow is None or document.version is None or first is None:
            raise HistoryFormatError(
                f"the history of run {document.run_id!r} does not say of which workflow and version"
            )
        start = Start(
            version=document.version,
            trace=first.trace,
            prologue=tuple(events),
            attributes=attributes_of(events) or None,
            not_before_us=first.admission.start_us if first.admission is not None and has_not_begun(events) else 0,
            searchable=self._searchable,
        )
        try:
            await self.begin(document.workflow, run_id, first.input, start)
        except WorkflowAlreadyStartedError as error:
            raise WorkflowConflictError(run_id, f"run id {run_id!r} is taken") from error

    async def _ended(self, run_id: str, execution: str, *, is_asked: bool) -> None:
        """End a run, or ask it to stop and wait until it has ended, however that is."""
        handle = self._client.get_workflow_handle(run_id, run_id=execution)
        reason = "another run of its id was started"
        with suppress(WorkflowEndedError), about(run_id, self._address.target):
            await (handle.cancel(reason=reason) if is_asked else handle.terminate(reason=reason))
        with suppress(WorkflowFailureError), about(run_id, self._address.target):
            await self._reading.waits.until(handle.result())


def _not_before(options: StartOptions) -> int:
    if options.start_at is not None:
        return int(options.start_at.timestamp() * 1e6)
    return 0 if options.delay is None else time.time_ns() // 1000 + options.delay // timedelta(microseconds=1)


def _current_trace() -> str | None:
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _propagator.inject(carrier)
    return carrier.get("traceparent")
