"""What a running step can know about itself."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from maestro_workflow_engine._errors import WorkflowContextError


@dataclass(frozen=True, slots=True)
class StepInfo:
    """Facts about the attempt that is running."""

    run_id: str
    """The run the step belongs to."""

    step: str
    """The step's name."""

    attempt: int
    """The number of the attempt, from 1."""

    idempotency_key: str
    """The same for every attempt of this step, and for no other: pass it to services that deduplicate."""


_current: ContextVar[StepInfo | None] = ContextVar("maestro_step", default=None)


def step_info() -> StepInfo:
    """Return facts about the attempt that is running.

    Raises:
        WorkflowContextError: Called outside a step.
    """
    found = _current.get()
    if found is None:
        raise WorkflowContextError("step_info() works only inside a running step")
    return found


def enter_step(info: StepInfo) -> None:
    """Set what `step_info` returns in the current context (a task's own)."""
    _current.set(info)
