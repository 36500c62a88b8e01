"""Workflows and steps that are written in Python, from the modules that configuration names."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from maestro.domain.catalog import WorkflowKey
from maestro.domain.errors import Fault, SetupError
from maestro_workflow_engine import StepDefinition, WorkflowDefinition


@dataclass(frozen=True, slots=True)
class PythonDefinitions:
    """What the modules declare."""

    workflows: Sequence[WorkflowDefinition[..., Any]] = ()
    """In the order of the modules, and within each as it declares them."""
    steps: Sequence[StepDefinition[..., Any]] = ()
    """What documents may call by name."""


@dataclass(slots=True)
class _Gathered:
    workflows: dict[WorkflowKey, tuple[WorkflowDefinition[..., Any], str]] = field(default_factory=dict)
    steps: dict[str, tuple[StepDefinition[..., Any], str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def load_modules(names: Iterable[str]) -> PythonDefinitions:
    """Import modules and gather the workflows and steps at their top level.

    Args:
        names: The modules, as in `import`.

    Returns:
        What they declare; a module's imported workflows and steps count as its own.

    Raises:
        SetupError: Modules cannot be imported, declare nothing, or contradict one another; all faults are listed.
    """
    gathered = _Gathered()
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever a module raises is a fault of the module
            message = f"cannot be imported ({type(error).__name__}: {error}); is it installed in this environment?"
            gathered.faults.append(Fault(name, message))
            continue
        declared = [value for value in vars(module).values() if isinstance(value, WorkflowDefinition | StepDefinition)]
        if not declared:
            gathered.faults.append(Fault(name, "declares neither a workflow nor a step at its top level"))
        for definition in declared:
            _gather(gathered, definition, name)
    if gathered.faults:
        raise SetupError("workflow_modules", gathered.faults)
    return PythonDefinitions(
        [workflow for workflow, _ in gathered.workflows.values()], [step for step, _ in gathered.steps.values()]
    )


def _gather(
    gathered: _Gathered, definition: WorkflowDefinition[..., Any] | StepDefinition[..., Any], module: str
) -> None:
    if isinstance(definition, StepDefinition):
        known_step, origin = gathered.steps.setdefault(definition.name, (definition, module))
        if known_step is not definition:
            gathered.faults.append(_contradiction(module, f"step {definition.name!r}", origin, "another name"))
        return
    key = WorkflowKey.of(definition.name, definition.version)
    known, origin = gathered.workflows.setdefault(key, (definition, module))
    if known is not definition:
        gathered.faults.append(_contradiction(module, f"workflow {key}", origin, "another name or version"))


def _contradiction(module: str, what: str, origin: str, advice: str) -> Fault:
    return Fault(module, f"declares {what}, which {origin} declares too; give one of them {advice}")
