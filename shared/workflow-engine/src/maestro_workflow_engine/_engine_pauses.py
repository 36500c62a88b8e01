"""What an engine does with whole workflows: pausing every run of one, and letting them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._records import PausedWorkflow
from maestro_workflow_engine._registry import WorkflowRegistry

if TYPE_CHECKING:
    from maestro_workflow_engine._runner import Runner


class EnginePauses:
    """The face of an engine that pauses workflows."""

    _runner: Runner
    _registry: WorkflowRegistry

    async def pause_workflow(
        self, workflow: WorkflowDefinition[..., Any] | str, *, version: str | None = None, reason: str = ""
    ) -> None:
        """Start nothing more of a workflow's runs, those to come included, until it is resumed; returns once that is kept.

        Attempts that are under way go on, and what comes of them is kept; so are signals, updates and requests to cancel.
        New runs are accepted and wait. Timers that fall due fire when the workflow is resumed. Terminating, retrying, forking
        and importing runs works; what of it would start something waits. One that is paused already stays as it is.

        Args:
            workflow: The workflow, or its name.
            version: Only runs of this version. Default: of every version.
            reason: Shown by `paused_workflows()` and by the runs.

        Raises:
            WorkflowNotFoundError: It is not registered.
            PayloadError: The reason is too large to be kept.
            JournalWriteError: It cannot be kept at the moment; the workflow was not paused.
        """
        name = _name(workflow)
        self._registry.find(name, version)
        await self._runner.pausing.pause(name, version, reason)

    async def resume_workflow(
        self, workflow: WorkflowDefinition[..., Any] | str, *, version: str | None = None
    ) -> None:
        """Let a workflow's runs go on; returns once that is kept. Runs then come back into memory a batch at a time.

        It takes back the pause that was set with the same workflow and version. A run that is paused by itself stays so.

        Args:
            workflow: The workflow, or its name.
            version: The version that was paused. Default: the pause of every version.

        Raises:
            JournalWriteError: It cannot be kept at the moment; the workflow stays paused.
        """
        await self._runner.pausing.resume(_name(workflow), version)

    async def paused_workflows(self) -> list[PausedWorkflow]:
        """List the workflows that are paused, by name and version."""
        return self._runner.pausing.paused()


def _name(workflow: WorkflowDefinition[..., Any] | str) -> str:
    return workflow if isinstance(workflow, str) else workflow.name
