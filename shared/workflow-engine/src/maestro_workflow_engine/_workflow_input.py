"""A workflow and its arguments as callers give them, checked before anything is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine._registry import WorkflowRegistry


def workflow_input(
    registry: WorkflowRegistry,
    workflow: WorkflowDefinition[..., Any] | str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> tuple[WorkflowDefinition[..., Any], str | None, msgspec.Raw]:
    """Find a workflow and turn its arguments into JSON.

    Args:
        registry: The workflows there are.
        workflow: The workflow, or its name ("name" or "name:version").
        args: Its arguments; by name, at most the one input value.
        kwargs: Its keyword arguments; by name, none.

    Returns:
        The workflow, the version that was asked for (None when a bare name leaves it open), and the input.

    Raises:
        WorkflowNotFoundError: The workflow is not registered.
        PayloadError: The arguments do not fit it.
    """
    if isinstance(workflow, str):
        name, _, wanted = workflow.partition(":")
        version = wanted or None
        definition = registry.find(name, version)
        if kwargs or len(args) > 1:
            raise PayloadError("a workflow named by its name takes one input value")
        raw = _payload.encode(args[0] if args else None)
    else:
        version = workflow.version
        definition = registry.find(workflow.name, version)
        raw = definition.signature.encode(args, dict(kwargs))
    try:
        definition.signature.decode(raw)
    except PayloadError as error:
        raise PayloadError(f"the input of workflow {definition.name!r} {error}") from error
    return definition, version, raw
