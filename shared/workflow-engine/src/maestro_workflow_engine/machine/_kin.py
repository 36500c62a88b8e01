"""What a run has to do with other runs: its children, and the signals and cancel requests that it sends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from maestro_workflow_engine._errors import WorkflowCancelledError, WorkflowFailedError
from maestro_workflow_engine._failure import rebuild
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._pending import PendingCancel, PendingChild, PendingEvent, PendingSignal

if TYPE_CHECKING:
    from maestro_workflow_engine.machine._machine import WorkflowMachine

ChildEnd = ev.ChildCompleted | ev.ChildFailed | ev.ChildCancelled


def child_id(parent_id: str, seq: int, given: str | None) -> str:
    """Return a child's run id: the one it was given, or its parent's and the number of its call."""
    return given or f"{parent_id}.{seq}"


# ── called from workflow code ────────────────────────────────────────────────────────────────────────────────────


def new_child(
    machine: WorkflowMachine, workflow: str, version: str | None, input_: msgspec.Raw, run_id: str | None, on_close: str
) -> PendingChild:
    """Return a child that is about to be asked for."""
    machine.has_children = True
    return PendingChild(workflow, version, input_, run_id, machine._loop.create_future(), on_close)


async def run_child(machine: WorkflowMachine, child: PendingChild) -> msgspec.Raw:
    """Start a child and wait for its result; it is cancelled with whoever waits for it."""
    seq = machine._add(child)
    try:
        return _output(await child.ended)
    except asyncio.CancelledError:
        _let_go(machine, seq, child)
        raise


async def start_child(machine: WorkflowMachine, child: PendingChild) -> int:
    """Start a child and wait until it is on disk.

    Returns:
        Its sequence number.
    """
    child.started = machine._loop.create_future()
    seq = machine._add(child)
    try:
        await child.started
    except asyncio.CancelledError:
        _let_go(machine, seq, child)
        raise
    if not child.is_started:
        _output(child.ended.result())
    return seq


async def child_result(machine: WorkflowMachine, seq: int, child: PendingChild) -> msgspec.Raw:
    """Wait for a child that was started; whoever waits may be cancelled without harm to it."""
    if not child.ended.done():
        if child.is_left_alone and seq in machine._pending:
            machine._command(child.command(seq))  # a fork has not made it again, for nobody needed it until now
        child.awaited += 1
        try:
            await asyncio.wait([child.ended])
        finally:
            child.awaited -= 1
    return _output(child.ended.result())


async def send_signal(machine: WorkflowMachine, run_id: str, name: str, payload: msgspec.Raw, child: int = 0) -> None:
    """Send a signal to another run and wait until it is on disk."""
    signal = PendingSignal(run_id, name, payload, child, machine._loop.create_future())
    machine._add(signal)
    await asyncio.wait([signal.answered])  # whoever waits may be cancelled: what was asked for is sent all the same
    _check(signal.answered.result())


async def send_cancel(machine: WorkflowMachine, run_id: str, reason: str, child: int = 0) -> None:
    """Ask another run to stop and wait until that is on disk."""
    cancel = PendingCancel(run_id, reason, child, machine._loop.create_future())
    machine._add(cancel)
    await asyncio.wait([cancel.answered])
    _check(cancel.answered.result())


def _let_go(machine: WorkflowMachine, seq: int, child: PendingChild) -> None:
    if seq in machine._pending:
        machine._abandon(seq)
        command = cmd.CancelChild(seq, child_id(machine.run_id, seq, child.run_id))
        machine._unsent_cancels[seq] = command
        machine._command(command)


def _output(end: ChildEnd) -> msgspec.Raw:
    match end:
        case ev.ChildCompleted():
            return end.output
        case ev.ChildFailed():
            raise WorkflowFailedError(end.run_id, end.failure)
        case ev.ChildCancelled():
            raise WorkflowCancelledError(end.run_id)


def _check(answer: ev.SignalSent | ev.CancelSent | ev.RequestFailed) -> None:
    if isinstance(answer, ev.RequestFailed):
        raise rebuild(answer.failure) or WorkflowFailedError(answer.run_id, answer.failure)


# ── one handler per event ────────────────────────────────────────────────────────────────────────────────────────


def on_child_started(machine: WorkflowMachine, event: ev.ChildStarted) -> None:
    """A child that was only started is on disk."""
    child: PendingChild | None = machine._find(event.seq, PendingChild, f"child workflow {event.workflow!r}")
    if child is None:
        return
    if child.started is None:
        raise machine._mismatch(f"start_child({event.workflow!r})", f"a call that waits for {child}")
    child.is_started = True
    if not child.started.done():
        child.started.set_result(None)


def on_child_ended(machine: WorkflowMachine, event: ChildEnd) -> None:
    """A child ended, or could not be started."""
    machine._unsent_cancels.pop(event.seq, None)
    child: PendingChild | None = machine._take(event.seq, PendingChild, f"child workflow {event.workflow!r}")
    if child is None:
        return
    if not child.ended.done():
        child.ended.set_result(event)
    if child.started is not None and not child.started.done():
        child.started.set_result(None)


def on_signal_sent(machine: WorkflowMachine, event: ev.SignalSent) -> None:
    """A signal to another run is on disk."""
    signal: PendingSignal | None = machine._take(event.seq, PendingSignal, f"signal {event.name!r} to another run")
    if signal is not None and not signal.answered.done():
        signal.answered.set_result(event)


def on_cancel_sent(machine: WorkflowMachine, event: ev.CancelSent) -> None:
    """Another run was asked to stop."""
    if event.seq in machine._abandoned and event.seq not in machine._pending:
        machine._unsent_cancels.pop(event.seq, None)
        return
    cancel: PendingCancel | None = machine._take(event.seq, PendingCancel, "a cancel request to another run")
    if cancel is not None and not cancel.answered.done():
        cancel.answered.set_result(event)


def on_request_failed(machine: WorkflowMachine, event: ev.RequestFailed) -> None:
    """A signal or cancel request could not be sent."""
    entry = machine._pending.get(event.seq)
    if isinstance(entry, PendingSignal | PendingCancel | PendingEvent):
        del machine._pending[event.seq]
        if not entry.answered.done():
            entry.answered.set_result(event)
    elif event.seq > machine._first_seq:
        raise machine._mismatch(f"a request to run {event.run_id!r}", str(entry) if entry else "nothing at that point")
