"""Child runs: started, asked to stop, and heard of when they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maestro_workflow_engine._errors import PayloadError, WorkflowConflictError, WorkflowError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

if TYPE_CHECKING:
    from maestro_workflow_engine.embedded._core import Core


class Children:
    """What a parent does with its children, and they with it."""

    def __init__(self, core: Core, reader: JournalReader, registry: WorkflowRegistry, clock: Clock) -> None:
        self._core = core
        self._reader = reader
        self._registry = registry
        self._clock = clock

    def start(self, run: LiveRun, command: cmd.StartChild) -> None:
        """Start a child, or take up the one that a replay asks for again."""
        core = self._core
        child_id = command.run_id or f"{run.id}.{command.seq}"
        run.children[command.seq] = child_id
        row = self._reader.by_id(child_id)
        taken = core.live(child_id)
        parent = taken.parent if taken else (row.parent_key, row.parent_seq) if row else None
        if parent == (run.key, command.seq):
            if row is not None and RunStatus(row.status).is_open:
                core.residents.find(row)
            return
        try:
            if taken or row or child_id in core.importing:
                raise WorkflowConflictError(child_id, f"run id {child_id!r} is taken by another run")
            definition = self._registry.find(command.workflow, command.version)
            trace = run.machine.trace if run.machine else None
            core.create(definition, child_id, command.input, trace=trace, parent=(run, command.seq))
        except (WorkflowError, PayloadError) as error:
            core.append(
                run, ev.ChildFailed(self._clock.now_us(), command.seq, command.workflow, child_id, describe(error))
            )

    def cancel(self, run: LiveRun, seq: int) -> None:
        """Ask a child to stop."""
        child_id = run.children.pop(seq, None)
        child = None if child_id is None else self._core.live(child_id)
        if child is None:
            row = self._reader.by_parent(run.key, seq) if child_id is None else self._reader.by_id(child_id)
            child = self._core.residents.find(row) if row is not None and RunStatus(row.status).is_open else None
        if child is not None and not (child.machine and child.machine.is_asked_to_stop):
            self._core.cancel(child, f"its parent {run.id!r} no longer waits for it")

    def cancel_all(self, run: LiveRun) -> None:
        """Ask every child of a run to stop."""
        for seq in list(run.children):
            self.cancel(run, seq)

    def told(self, run: LiveRun, event: ev.Event) -> tuple[LiveRun, ev.Event] | None:
        """Return what a child's end means to its parent.

        Args:
            run: The child.
            event: Its last event.

        Returns:
            The parent, in memory, and its event; None when nobody waits for the child.
        """
        if run.parent is None:
            return None
        parent = self._core.residents.load(run.parent[0])
        seq = run.parent[1]
        if parent is None or parent.is_ending:
            return None
        parent.children.pop(seq, None)
        match event:
            case ev.RunCompleted():
                return parent, ev.ChildCompleted(event.time, seq, run.workflow, run.id, event.output)
            case ev.RunFailed():
                return parent, ev.ChildFailed(event.time, seq, run.workflow, run.id, event.failure)
            case _:
                return parent, ev.ChildCancelled(event.time, seq, run.workflow, run.id)
