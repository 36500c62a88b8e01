"""Finding the machine that runs the current code: it is the owner of the running event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maestro_workflow_engine.machine._machine import WorkflowMachine


class MachineLoop(asyncio.AbstractEventLoop):
    """The base of the deterministic loop: an event loop that belongs to a machine."""

    machine: WorkflowMachine

    def next_order(self) -> int:
        """Return the hash of what is created next."""
        raise NotImplementedError

    def unfinished_tasks(self) -> set[asyncio.Task[Any]]:
        """Return the tasks that are not done."""
        raise NotImplementedError


def current_machine() -> WorkflowMachine | None:
    """Return the machine whose workflow is executing, or None outside workflows."""
    loop = asyncio._get_running_loop()  # the public get_running_loop() raises outside loops, at ten times the cost
    return loop.machine if isinstance(loop, MachineLoop) else None
