"""What `engine.schedule` is given, checked before anything is kept."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._schedule_spec import ScheduleSpecError
from maestro_workflow_engine._workflow_input import workflow_input

_SCHEDULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,149}\Z")  # "@" and a time make a run's id of it


def schedule_input(
    registry: WorkflowRegistry,
    schedule_id: str,
    workflow: WorkflowDefinition[..., Any] | str,
    args: tuple[Any, ...],
) -> tuple[WorkflowDefinition[..., Any], str | None, msgspec.Raw]:
    """Find a workflow and turn its arguments into JSON.

    Args:
        registry: The workflows there are.
        schedule_id: The schedule's id.
        workflow: The workflow, or its name ("name" or "name:version").
        args: Its arguments; by name, at most the one input value.

    Returns:
        The workflow, the version to hold on to (None when a bare name leaves it open), and the input.

    Raises:
        ScheduleSpecError: The id is none.
        WorkflowNotFoundError: The workflow is not registered.
        PayloadError: The arguments do not fit it.
    """
    if not _SCHEDULE_ID.match(schedule_id):
        raise ScheduleSpecError(f"{schedule_id!r} is no schedule id: use up to 150 letters, digits and . _ : ~ -")
    return workflow_input(registry, workflow, args, {})
