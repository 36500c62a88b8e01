"""New runs: started, forked off another, taken over from another journal."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from maestro_workflow_engine._attributes import checked
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import WorkflowConflictError
from maestro_workflow_engine._history_document import HistoryDocument
from maestro_workflow_engine._start_options import StartOptions
from maestro_workflow_engine.embedded._branching import before_step, forked
from maestro_workflow_engine.embedded._importing import import_run
from maestro_workflow_engine.embedded._journal import Write
from maestro_workflow_engine.embedded._opened import Acknowledgement, Opened, nothing, whole
from maestro_workflow_engine.embedded._run_reading import EmbeddedReading, Reading

_propagator = TraceContextTextMapPropagator()


class EmbeddedStarting:
    """Makes runs; each call returns once the run is on disk."""

    def __init__(self, opened: Opened, reading: EmbeddedReading) -> None:
        self._opened = opened
        self._reading = reading

    async def start(
        self, definition: WorkflowDefinition[..., Any], run_id: str | None, input_: msgspec.Raw, options: StartOptions
    ) -> str:
        """Start a run.

        Returns:
            The run's id. A run that has it already is the same run; nothing is started then.

        Raises:
            WorkflowConflictError: The id belongs to a run of another workflow.
            JournalWriteError: The disk refuses; there is no such run.
        """
        core, reader = self._opened.core, self._opened.reader
        if run_id is None:
            run_id = secrets.token_hex(16)
        else:
            if run_id in core.importing:
                raise WorkflowConflictError(run_id, f"run id {run_id!r} is being imported")
            live, row = core.live(run_id), reader.by_id(run_id)
            known = live.workflow if live else row.workflow if row else None
            if known is not None:
                if known != definition.name:
                    msg = f"run id {run_id!r} is taken by a run of workflow {known!r}"
                    raise WorkflowConflictError(run_id, msg)
                if live is not None and row is None:  # its first write is under way; do not acknowledge it before that
                    await self._opened.write(Write(nothing, order=(live.key,)))
                return run_id
        done = Acknowledgement()
        core.create(
            definition,
            run_id,
            input_,
            trace=_current_trace(),
            attributes=checked(options.attributes),
            on_durable=done.durable,
            on_failed=done.failed,
        )
        await done.wait()
        return run_id

    async def fork(self, run_id: str, step: int, new_id: str | None) -> str:
        """Make a new run from the beginning of another's history.

        Returns:
            The new run's id.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowConflictError: The new id is taken.
            StepNotFoundError: The history has no such step.
            HistoryPurgedError: The history is not whole any more.
            JournalWriteError: The disk refuses; there is no new run.
        """
        opened, core = self._opened, self._opened.core
        source = whole(opened.row(run_id))
        new_id = new_id or secrets.token_hex(16)
        if opened.is_taken(new_id):
            raise WorkflowConflictError(new_id, f"run id {new_id!r} is taken")
        async with self._reading.at_hand(run_id, Reading.HISTORY):
            events = before_step(source, list(opened.reader.history(source.key)), step)
        if opened.is_taken(new_id):
            raise WorkflowConflictError(new_id, f"run id {new_id!r} is taken")
        key = core.new_key()
        write = forked(source, events, opened.sealer, key=key, run_id=new_id, now=opened.clock.now_us())
        await opened.write(write)
        core.residents.load(key)
        return new_id

    async def import_run(self, document: HistoryDocument, run_id: str) -> None:
        """Keep a run of another journal; see `_importing`."""
        opened = self._opened
        await import_run(opened.core, opened.reader, opened.uploads, opened.sealer, document, run_id)


def _current_trace() -> str | None:
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _propagator.inject(carrier)
    return carrier.get("traceparent")
