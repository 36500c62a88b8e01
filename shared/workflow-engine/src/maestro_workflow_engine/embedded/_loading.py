"""Bringing a run back into memory: its history is read and its code is taken through it again."""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from typing import Any

from maestro_core_logging import log_context
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _events as ev


def new_machine(
    definition: WorkflowDefinition[..., Any], run_id: str, parent_id: str | None, patches: Sequence[str] = ()
) -> WorkflowMachine:
    """Return a machine whose workflow code logs with the run's id."""
    context = contextvars.Context()
    context.run(log_context(run_id=run_id, workflow=definition.name).__enter__)
    return WorkflowMachine(definition, run_id, parent_id=parent_id, patches=patches, context=context)


def replay(
    definition: WorkflowDefinition[..., Any],
    run_id: str,
    parent_id: str | None,
    history: Sequence[tuple[int, ev.Event]],
) -> WorkflowMachine:
    """Take a workflow's code through a history.

    Args:
        definition: The workflow.
        run_id: The run's id.
        parent_id: Its parent's id, if it has one.
        history: (position, event), in order.

    Returns:
        The machine as it stood after the last event; ask it for `outstanding()`.

    Raises:
        NonDeterminismError: The code takes another path than the history.
    """
    events = effective(history)
    patches = [event.change for _, event in events if isinstance(event, ev.PatchRecorded)]
    machine = new_machine(definition, run_id, parent_id, patches)
    machine.replaying = True
    try:
        for index, (position, event) in enumerate(events):
            machine.replaying = index < len(events) - 1
            machine.apply(event, position)
    except BaseException:
        machine.drop()
        raise
    machine.replaying = False
    return machine


def effective(history: Sequence[tuple[int, ev.Event]]) -> list[tuple[int, ev.Event]]:
    """Return the events that count: without how an earlier pass ended, and without what a redrive dropped."""
    events: list[tuple[int, ev.Event]] = []
    for position, event in history:
        if isinstance(event, ev.RunRedriven):
            events = [entry for entry in events if entry[0] < event.dropped_from]
        elif events or not isinstance(event, ev.RunContinued):
            events.append((position, event))
    return events
