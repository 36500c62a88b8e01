"""What a run has to do with events: those that it listens for, and those that it publishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from maestro_workflow_engine._failure import rebuild
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._listening import Listener, Listening
from maestro_workflow_engine.machine._pending import PendingEvent

if TYPE_CHECKING:
    from maestro_workflow_engine.machine._machine import WorkflowMachine


# ── called from workflow code ────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def listening(machine: WorkflowMachine, filters: bytes) -> AsyncIterator[Listener]:
    """Listen for events within the block.

    Args:
        machine: The run's machine.
        filters: What is wanted, encoded.

    Yields:
        The listener.
    """
    machine.check_events()
    everybody = _listening(machine)
    listener = everybody.begin(filters, machine._loop)
    machine._command(cmd.Subscribe(listener.name, filters))
    try:
        yield listener
    finally:
        everybody.end(listener)
        machine._command(cmd.Unsubscribe(listener.name))


def narrow(machine: WorkflowMachine, listener: Listener, filters: bytes) -> None:
    """Listen for something else under the same name."""
    if filters != listener.filters:
        listener.narrow(filters)
        machine._command(cmd.Subscribe(listener.name, filters))


async def publish(machine: WorkflowMachine, event: msgspec.Raw) -> None:
    """Publish an event and wait until it is on disk, with all that follows from it."""
    machine.check_events()
    pending = PendingEvent(event, machine._loop.create_future())
    machine._add(pending)
    await asyncio.wait(
        [pending.answered]
    )  # whoever waits may be cancelled: what was asked for is published all the same
    answer = pending.answered.result()
    if isinstance(answer, ev.RequestFailed):
        raise rebuild(answer.failure) or RuntimeError(answer.failure.message)


def announce(machine: WorkflowMachine, event: msgspec.Raw) -> None:
    """Say something about the run itself. It is not journalled: a run that is replayed says it again, under the same number."""
    if machine._dropped:
        return
    machine.announced += 1
    machine.told.append((machine.announced, event))
    machine._command(cmd.Announce())


# ── one handler per event ────────────────────────────────────────────────────────────────────────────────────────


def on_event_received(machine: WorkflowMachine, event: ev.EventReceived) -> None:
    """An event came that the run listens for, or did."""
    _listening(machine).deliver(event.event)


def on_event_published(machine: WorkflowMachine, event: ev.EventPublished) -> None:
    """An event of this run is on disk."""
    pending: PendingEvent | None = machine._take(event.seq, PendingEvent, "an event to be published")
    if pending is not None and not pending.answered.done():
        pending.answered.set_result(event)


def _listening(machine: WorkflowMachine) -> Listening:
    if machine.listening is None:
        machine.listening = Listening()
    return machine.listening
