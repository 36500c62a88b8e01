"""What a run waits for, by sequence number."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from maestro_workflow_engine.machine._commands import RunStep, StartChild, StartTimer

if TYPE_CHECKING:
    from maestro_workflow_engine._definitions import StepDefinition


@dataclass(slots=True)
class PendingStep:
    """A step that was asked for and has not ended."""

    step: StepDefinition[..., Any]
    input: msgspec.Raw
    future: asyncio.Future[Any]
    attempt: int = 1
    not_before: int = 0
    since: int = 0

    def command(self, seq: int) -> RunStep:
        """Return the command that asks for it (again)."""
        return RunStep(seq, self.step, self.input, self.attempt, self.not_before)

    def __str__(self) -> str:
        return f"step {self.step.name!r}"


@dataclass(slots=True)
class PendingTimer:
    """A timer that has not fired."""

    fire_at: int
    handle: asyncio.TimerHandle
    since: int = 0

    def command(self, seq: int) -> StartTimer:
        """Return the command that asks for it (again)."""
        return StartTimer(seq, self.fire_at)

    def __str__(self) -> str:
        return "a timer"


@dataclass(slots=True)
class PendingChild:
    """A child run that has not ended."""

    workflow: str
    version: str | None
    input: msgspec.Raw
    run_id: str | None
    future: asyncio.Future[Any]
    since: int = 0

    def command(self, seq: int) -> StartChild:
        """Return the command that asks for it (again)."""
        return StartChild(seq, self.workflow, self.version, self.input, self.run_id)

    def __str__(self) -> str:
        return f"child workflow {self.workflow!r}"


Pending = PendingStep | PendingTimer | PendingChild


class Wait(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing a run waits for.

    Attributes:
        kind: "step", "timer", "child" or "signal"; of a run that has not begun "queue", "start" (a time) or "singleton".
        name: Of the step, the child workflow, the signal, the queue or the singleton key; None for a time.
        until: When a timer fires, a failed step is tried again or a run begins at the earliest, in µs since the epoch.
        attempt: The attempt a step is at.
        since: When the workflow asked for it, in µs since the epoch; None for a signal.
        place: The run's place in its queue, from 1.
    """

    kind: str
    name: str | None = None
    until: int | None = None
    attempt: int | None = None
    since: int | None = None
    place: int | None = None
