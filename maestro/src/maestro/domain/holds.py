"""Holds: every run of a workflow keeps still, those to come included."""

from __future__ import annotations

from collections.abc import Iterable

from maestro.domain.catalog import Catalog, Definition, public_name
from maestro_workflow_engine import PausedWorkflow, WorkflowEngine


class Holds:
    """The workflows that are paused as a whole.

    Args:
        engine: Runs the workflows; open.
        catalog: The workflows there are.
    """

    def __init__(self, engine: WorkflowEngine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog

    async def pause(self, qualified_name: str, version: str | None, reason: str) -> None:
        """Start nothing more of a workflow's runs; returns once that is kept.

        Args:
            qualified_name: "namespace/name".
            version: Only this version; None for every one.
            reason: Shown by the workflow and its runs.

        Raises:
            UnknownWorkflowError: There is no such workflow or version.
            WorkflowError: The engine refuses: see `WorkflowEngine.pause_workflow`.
        """
        wanted = qualified_name if version is None else f"{qualified_name}:{version}"
        found = self._catalog.find(wanted)
        await self._engine.pause_workflow(found.engine_name, version=version, reason=reason)

    async def resume(self, qualified_name: str, version: str | None) -> None:
        """Take back the pause that was set with the same name and version, whether the workflow is still registered or not.

        Raises:
            WorkflowError: The engine refuses: see `WorkflowEngine.resume_workflow`.
        """
        for pause in await self._engine.paused_workflows():
            if (public_name(pause.workflow), pause.version) == (qualified_name, version):
                await self._engine.resume_workflow(pause.workflow, version=version)

    async def listing(self) -> list[PausedWorkflow]:
        """Return every pause, by workflow and version."""
        return await self._engine.paused_workflows()


def hold_on(definition: Definition, pauses: Iterable[PausedWorkflow]) -> PausedWorkflow | None:
    """Find the pause that a workflow has to wait for.

    Args:
        definition: One version of the workflow.
        pauses: Every pause there is.

    Returns:
        The pause; None when it goes on.
    """
    return next(
        (
            pause
            for pause in pauses
            if pause.workflow == definition.engine_name and pause.version in (None, definition.key.version)
        ),
        None,
    )
