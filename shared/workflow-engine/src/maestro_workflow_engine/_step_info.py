"""What a running step can know about itself."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine._errors import WorkflowContextError


class SignsOfLife(Protocol):
    """Where the signs of life of running attempts go."""

    def beat(self, attempt: RunningAttempt, details: msgspec.Raw) -> None:
        """Take a sign of life, on any thread."""

    def recall(self, attempt: RunningAttempt) -> msgspec.Raw | None:
        """Return what an attempt of the same step last said, on any thread."""


class Silence(Protocol):
    """Watches how long an attempt gives no sign of life."""

    def beat(self) -> None:
        """Begin to count anew, on any thread."""


class RunningAttempt:
    """The engine's side of an attempt; one for each, so it is kept small."""

    __slots__ = (
        "heart", "heartbeat_timeout", "is_noticed", "is_stopped", "job", "key", "latest", "number", "recalled", "run_id", "run_key",
        "seq", "silence", "step",
    )  # fmt: skip

    def __init__(
        self,
        run_id: str,
        run_key: int,
        seq: int,
        step: str,
        number: int,
        heartbeat_timeout: timedelta | None,
        heart: SignsOfLife,
    ) -> None:
        self.run_id = run_id
        self.run_key = run_key
        self.seq = seq
        self.step = step
        self.number = number
        self.key = f"{run_id}/{seq}"
        self.heartbeat_timeout = heartbeat_timeout
        self.heart = heart
        self.silence: Silence | None = None
        self.latest: tuple[int, msgspec.Raw] | None = None
        self.recalled: msgspec.Raw | msgspec.UnsetType | None = msgspec.UNSET
        self.is_noticed = False
        self.is_stopped = False
        self.job: Any = None

    def last_heartbeat(self) -> msgspec.Raw | None:
        """Return what was last said, in this attempt or in one before."""
        if self.latest is not None:
            return self.latest[1]
        if isinstance(self.recalled, msgspec.UnsetType):
            self.recalled = self.heart.recall(self)
        return self.recalled


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

    _running: RunningAttempt = field(repr=False, compare=False)

    @property
    def last_heartbeat(self) -> Any:
        """What `heartbeat()` was last given in this step, by this attempt or one before, as plain JSON values; None for nothing.

        It is read when it is asked for. `last_heartbeat(type=…)` gives it a type.
        """
        found = self._running.last_heartbeat()
        return None if found is None else _payload.decode(found)


_current: ContextVar[RunningAttempt | None] = ContextVar("maestro_step", default=None)


def running_attempt(caller: str) -> RunningAttempt:
    """Return the attempt that is running.

    Args:
        caller: The public function that needs it.

    Raises:
        WorkflowContextError: Called outside a step.
    """
    found = _current.get()
    if found is None:
        raise WorkflowContextError(f"{caller}() works only inside a running step")
    return found


def step_info() -> StepInfo:
    """Return facts about the attempt that is running.

    Raises:
        WorkflowContextError: Called outside a step.
    """
    found = running_attempt("step_info")
    return StepInfo(found.run_id, found.step, found.number, found.key, found)


def enter_step(attempt: RunningAttempt) -> None:
    """Set what `step_info` returns in the current context (a task's own)."""
    _current.set(attempt)
