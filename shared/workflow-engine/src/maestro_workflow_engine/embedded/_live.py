"""A run that is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine._commands import RunStep
from maestro_workflow_engine.machine._events import RunStarted


@dataclass(slots=True, eq=False)
class LiveRun:
    """The runner's side of a run: what is under way for it outside its machine."""

    key: int
    id: str
    workflow: str
    version: str
    machine: WorkflowMachine | None
    """None while the run cannot be replayed; `problem` then says why."""

    parent: tuple[int, int] | None = None
    """The parent's key and the sequence number of its call."""

    next_position: int = 0
    unflushed: int = 0
    """Writes that are not on disk yet."""

    seen: int = -1
    """The last position that its machine was taken up with; events up to there have happened to it already."""

    problem: str | None = None
    is_ending: bool = False
    """Its last event has been submitted; nothing more is journalled for it."""

    arriving: int = 0
    """Signals, requests to stop and updates that are on their way to the disk."""

    is_over: bool = False
    """Its pass is over, and the next one begins once nothing is arriving: what starts over deletes what came before."""

    held_back: list[Callable[[], None]] = field(default_factory=list)
    """What came from outside since then; it is journalled behind the beginning of the next pass."""

    is_paused: bool = False
    """What its machine asks for is not done; it is asked again when the run is resumed."""

    is_held: bool = False
    """Its workflow is paused, or was until now: likewise, and it is asked again once nothing is being written for it."""

    parked_on_disk: bool = False
    started: RunStarted | None = None
    """How it started, when it has been in memory ever since and is in its first pass; else the journal knows."""

    steps: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    queued: dict[int, RunStep] = field(default_factory=dict)
    """Steps that wait for a slot."""

    retries: dict[int, RunStep] = field(default_factory=dict)
    """Steps that wait for their next attempt."""

    timers: dict[int, int] = field(default_factory=dict)
    children: dict[int, str] = field(default_factory=dict)
    """The ids of child runs by sequence number, of those that were started since it is in memory."""

    on_close: str = "cancel"
    """What becomes of it when its parent closes: a value of `ParentClose`."""

    @property
    def is_idle(self) -> bool:
        """Whether the run can leave memory: it only waits for timers, signals or children."""
        return not (self.unflushed or self.steps or self.queued or self.is_ending or self.machine is None)

    @property
    def wake_us(self) -> int | None:
        """The next time it wakes by itself."""
        times = [*self.timers.values(), *(retry.not_before for retry in self.retries.values())]
        return min(times, default=None)

    def stop_steps(self) -> list[asyncio.Task[Any]]:
        """Cancel what is under way and forget what was to come.

        Returns:
            The cancelled tasks; their results no longer count.
        """
        tasks = list(self.steps.values())
        self.steps.clear()
        self.queued.clear()
        self.retries.clear()
        self.timers.clear()
        for task in tasks:
            task.cancel()
        return tasks
