"""What a run waits for, by sequence number."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from maestro_workflow_engine._failure import Failure
from maestro_workflow_engine.machine._commands import (
    PublishEvent,
    RunStep,
    SendCancel,
    SendSignal,
    StartChild,
    StartTimer,
)
from maestro_workflow_engine.machine._events import (
    CancelSent,
    ChildCancelled,
    ChildCompleted,
    ChildFailed,
    EventPublished,
    RequestFailed,
    SignalSent,
)

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
    deadline: int = 0
    last_failure: Failure | None = None

    def command(self, seq: int) -> RunStep:
        """Return the command that asks for it (again)."""
        return RunStep(seq, self.step, self.input, self.attempt, self.not_before, self.deadline, self.last_failure)

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
    ended: asyncio.Future[ChildCompleted | ChildFailed | ChildCancelled]
    on_close: str = "cancel"
    started: asyncio.Future[None] | None = None
    """Awaited by one who only starts it; None for one who waits for its end."""

    is_started: bool = False
    """Whether ChildStarted was seen."""

    awaited: int = 0
    """How many wait for the end of a child that was only started."""

    since: int = 0

    def command(self, seq: int) -> StartChild:
        """Return the command that asks for it (again)."""
        announce = self.started is not None and not self.is_started
        return StartChild(seq, self.workflow, self.version, self.input, self.run_id, self.on_close, announce)

    @property
    def is_left_alone(self) -> bool:
        """Whether it was started and abandoned, and nobody waits for it."""
        return self.is_started and self.on_close == "abandon" and not self.awaited

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for it, or for its start."""
        return not self.is_started or self.awaited > 0

    def __str__(self) -> str:
        return f"child workflow {self.workflow!r}"


@dataclass(slots=True)
class PendingSignal:
    """A signal to another run that is not on disk yet."""

    run_id: str
    name: str
    payload: msgspec.Raw
    child: int
    answered: asyncio.Future[SignalSent | RequestFailed]
    since: int = 0

    def command(self, seq: int) -> SendSignal:
        """Return the command that asks for it (again)."""
        return SendSignal(seq, self.run_id, self.name, self.payload, self.child)

    def __str__(self) -> str:
        return f"signal {self.name!r} to another run"


@dataclass(slots=True)
class PendingCancel:
    """A request to another run to stop that is not on disk yet."""

    run_id: str
    reason: str
    child: int
    answered: asyncio.Future[CancelSent | RequestFailed]
    since: int = 0

    def command(self, seq: int) -> SendCancel:
        """Return the command that asks for it (again)."""
        return SendCancel(seq, self.run_id, self.reason, self.child)

    def __str__(self) -> str:
        return "a cancel request to another run"


@dataclass(slots=True)
class PendingEvent:
    """An event that is to be published and is not on disk yet."""

    event: msgspec.Raw
    answered: asyncio.Future[EventPublished | RequestFailed]
    since: int = 0

    def command(self, seq: int) -> PublishEvent:
        """Return the command that asks for it (again)."""
        return PublishEvent(seq, self.event)

    def __str__(self) -> str:
        return "an event to be published"


Pending = PendingStep | PendingTimer | PendingChild | PendingSignal | PendingCancel | PendingEvent


class Wait(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing a run waits for.

    Attributes:
        kind: "step", "timer", "child", "signal", "event", or "request" for a signal or cancel request to another run, or an
            event that is being published; of a run that has not begun "queue", "start" (a time) or "singleton".
        name: Of the step, the child workflow, the signal, the queue or the singleton key, the types of events it listens for,
            or the id of the other run; None for a time.
        until: When a timer fires, a failed step is tried again or a run begins at the earliest, in µs since the epoch.
        attempt: The attempt a step is at.
        since: When the workflow asked for it, in µs since the epoch; None for a signal.
        place: The run's place in its queue, from 1.
        seq: The number of a step, as history shows it.
        deadline: When a step's total timeout is over, in µs since the epoch.
        last_heartbeat_at: When a step last gave a sign of life, in µs since the epoch.
        last_heartbeat: What it said then, as JSON.
    """

    kind: str
    name: str | None = None
    until: int | None = None
    attempt: int | None = None
    since: int | None = None
    place: int | None = None
    seq: int | None = None
    deadline: int | None = None
    last_heartbeat_at: int | None = None
    last_heartbeat: Any = None


def waits_of(pending: Mapping[int, Pending]) -> list[Wait]:
    """Tell what a run waits for among what it has asked for."""
    waits: list[Wait] = []
    for seq, entry in pending.items():
        match entry:
            case PendingStep():
                until, deadline = entry.not_before or None, entry.deadline or None
                waits.append(
                    Wait("step", entry.step.name, until, entry.attempt, entry.since, seq=seq, deadline=deadline)
                )
            case PendingTimer():
                waits.append(Wait("timer", None, entry.fire_at, since=entry.since))
            case PendingChild():
                if entry.is_awaited:
                    waits.append(Wait("child", entry.workflow, since=entry.since))
            case PendingSignal() | PendingCancel():
                waits.append(Wait("request", entry.run_id, since=entry.since))
            case PendingEvent():
                waits.append(Wait("request", "event", since=entry.since))
    return waits
