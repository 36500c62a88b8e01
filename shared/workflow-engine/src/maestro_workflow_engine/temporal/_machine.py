"""The engine's machine inside a Temporal workflow: only versioning is asked of the cluster instead of the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from temporalio import workflow as temporal

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.temporal._unsupported import EVENTS, unsupported
from maestro_workflow_engine.temporal._wire import EVENTS_MARK


class HostedMachine(WorkflowMachine):
    """A machine whose `patched` is Temporal's, so that the marker is in the cluster's history.

    Attributes:
        in_prologue: Whether the events being applied were there before this run began (a fork, an import): what they do
            not record was not taken then.
    """

    def __init__(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str,
        *,
        parent_id: str | None,
        patches: Iterable[str],
        outer: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(definition, run_id, parent_id=parent_id, patches=patches)
        self.in_prologue = False
        self._has_events: bool | None = None
        self._outer = outer

    @property
    def has_events(self) -> bool:
        """Whether it takes part in events: a run that was refused them, by a release without, goes on without them."""
        if self.in_prologue:
            return True
        if self._has_events is None:
            with _running(self._outer):
                self._has_events = temporal.patched(EVENTS_MARK)
        return self._has_events

    def check_events(self) -> None:
        """Refuse events to a run that was refused them before.

        Raises:
            UnsupportedByRunnerError: It was.
        """
        super().check_events()
        if not self.has_events:
            raise unsupported("events", EVENTS)

    def patched(self, change: str) -> bool:
        """Tell whether the run takes the new side of a change."""
        if self.in_prologue or change in self._recorded_patches:
            return super().patched(change)
        known = self._patches.get(change)
        if known is None:
            with _running(self._outer):
                known = self._patches[change] = temporal.patched(change)
        return known


@contextmanager
def _running(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    inner = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(inner)
