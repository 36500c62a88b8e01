"""Child runs: started, asked to stop, heard of when they end; and what else a run does to other runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maestro_workflow_engine._errors import (
    PayloadError,
    WorkflowConflictError,
    WorkflowEndedError,
    WorkflowError,
    WorkflowNotFoundError,
)
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine._payload_errors import PayloadStoreError, PayloadUnreadableError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._together import Together
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._kin import child_id

if TYPE_CHECKING:
    from maestro_workflow_engine.embedded._core import Core

_RELEASE = f"UPDATE runs SET on_parent_close = '{ParentClose.ABANDON}' WHERE key = ?"  # noqa: S608  our own word


class Children:
    """What a parent does with its children, and they with it."""

    def __init__(
        self, core: Core, journal: Uploads, reader: JournalReader, registry: WorkflowRegistry, clock: Clock
    ) -> None:
        self._core = core
        self._journal = journal
        self._reader = reader
        self._registry = registry
        self._clock = clock

    def start(self, run: LiveRun, command: cmd.StartChild) -> None:
        """Start a child, or take up the one that a replay asks for again."""
        core, now = self._core, self._clock.now_us()
        run_id = child_id(run.id, command.seq, command.run_id)
        run.children[command.seq] = run_id
        row = self._reader.by_id(run_id)
        if row is not None and (row.parent_key, row.parent_seq) != (run.key, command.seq):
            row = self._reader.by_parent(run.key, command.seq) or row  # another run may have been started under its id
        taken = core.live(run_id)
        parent = taken.parent if taken else (row.parent_key, row.parent_seq) if row else None
        started = ev.ChildStarted(now, command.seq, command.workflow, run_id) if command.announce else None
        if parent == (run.key, command.seq):
            if started is not None:  # a redrive has dropped the news
                core.append(run, started)
            if row is not None and taken is None:
                self._resume(run, command.seq, row)
            return
        try:
            if taken or row or run_id in core.importing:
                raise WorkflowConflictError(run_id, f"run id {run_id!r} is taken by another run")
            definition = self._registry.find(command.workflow, command.version)
            trace = run.machine.trace if run.machine else None
            core.create(
                definition,
                run_id,
                command.input,
                trace=trace,
                parent=(run, command.seq),
                on_close=command.on_close,
                announce=started,
            )
        except (WorkflowError, PayloadError) as error:
            core.append(run, ev.ChildFailed(now, command.seq, command.workflow, run_id, describe(error)))

    def cancel(self, run: LiveRun, command: cmd.CancelChild) -> None:
        """Ask a child to stop that nobody waits for any more. One that has ended, or that never came to be, is left alone."""
        run.children.pop(command.seq, None)
        child = self._open(command.run_id)
        if child is None or child.parent != (run.key, command.seq):
            return
        now = self._clock.now_us()
        together = Together(self._core)
        together.add(child, ev.CancelRequested(now, f"its parent {run.id!r} no longer waits for it"))
        self._release(child, together)
        together.add(run, ev.CancelSent(now, command.seq, child.id))
        self._journal.submit(together.write())

    def request(self, run: LiveRun, command: cmd.SendSignal | cmd.SendCancel) -> None:
        """Send a signal, or ask to stop, on behalf of a workflow: what happens to both runs is one transaction."""
        now = self._clock.now_us()
        together = Together(self._core)
        try:
            target = self._target(run, command)
            if isinstance(command, cmd.SendSignal):
                together.add(target, ev.SignalReceived(now, command.name, command.payload))
                together.add(run, ev.SignalSent(now, command.seq, target.id, command.name))
            elif self._core.admissions.waits(target.key):  # it has not begun: there is nothing to clean up
                cancelled = ev.RunCancelled(now, command.reason)
                self._core.closing.end_together(target, cancelled, RunStatus.CANCELLED, together)
                together.add(run, ev.CancelSent(now, command.seq, target.id))
            else:
                together.add(target, ev.CancelRequested(now, command.reason))
                if command.child:
                    self._release(target, together)
                together.add(run, ev.CancelSent(now, command.seq, target.id))
        except (WorkflowError, PayloadError) as error:
            self._core.append(run, ev.RequestFailed(now, command.seq, command.run_id, describe(error)))
            return
        self._journal.submit(together.write())

    def still_open(self, run: LiveRun) -> list[LiveRun]:
        """Return the children that a run leaves behind, in the order in which they were started.

        Those that are to outlive it are among them only as far as their start may not be on disk yet.
        """
        if run.machine is not None and not run.machine.has_children:
            return []
        found = [self._core.residents.load(key) for key in self._reader.bound_children(run.key)]
        found += [self._core.live(run_id) for run_id in run.children.values()]
        open_ones = {
            child.key: child
            for child in found
            if child and not child.is_ending and (child.parent or (0,))[0] == run.key
        }
        return [open_ones[key] for key in sorted(open_ones)]

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
        if parent is None or parent.is_ending:
            return None
        parent.children.pop(run.parent[1], None)
        return parent, news_of(event, run.parent[1], run.workflow, run.id)

    def _resume(self, run: LiveRun, seq: int, row: RunRow) -> None:
        """Take up a child that is not in memory; one that ended when its parent could not be told is heard of now."""
        if RunStatus(row.status).is_open:
            return  # it wakes by itself
        try:
            last = self._reader.last(row.key)
        except (PayloadUnreadableError, PayloadStoreError) as error:
            self._core.residents.stuck(run, error)
            return
        if last is not None:
            self._core.append(run, news_of(last, seq, row.workflow, row.own_id))

    def _open(self, run_id: str) -> LiveRun | None:
        child = self._core.live(run_id)
        if child is None:
            row = self._reader.by_id(run_id)
            child = self._core.residents.find(row) if row is not None and RunStatus(row.status).is_open else None
        return None if child is None or child.is_ending else child

    def _target(self, run: LiveRun, command: cmd.SendSignal | cmd.SendCancel) -> LiveRun:
        # What is not on disk yet might still be refused; and another run may have a child's id by now.
        reader = self._reader
        row = reader.by_parent(run.key, command.child) if command.child else reader.by_id(command.run_id)
        if row is None:
            raise WorkflowNotFoundError(command.run_id, f"there is no run {command.run_id!r}")
        target = self._open(row.id)
        if target is None:
            raise WorkflowEndedError(command.run_id, row.status if not RunStatus(row.status).is_open else "just now")
        return target

    def _release(self, child: LiveRun, together: Together) -> None:
        """Let the close of its parent pass over a child that was asked to stop: it is cleaning up."""
        if child.on_close == ParentClose.CANCEL:
            child.on_close = ParentClose.ABANDON
            together.also((_RELEASE, (child.key,)))


def news_of(event: ev.Event, seq: int, workflow: str, run_id: str) -> ev.Event:
    """Return what the last event of a child is to its parent."""
    match event:
        case ev.RunCompleted():
            return ev.ChildCompleted(event.time, seq, workflow, run_id, event.output)
        case ev.RunFailed():
            return ev.ChildFailed(event.time, seq, workflow, run_id, event.failure)
        case _:
            return ev.ChildCancelled(event.time, seq, workflow, run_id)
