"""Which workflows an engine knows, by name and version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import WorkflowDefinitionError, WorkflowNotFoundError


class WorkflowRegistry:
    """Several versions of a workflow live side by side; a start without a version takes the one registered last."""

    def __init__(self, workflows: Iterable[WorkflowDefinition[..., Any]] = ()) -> None:
        self._by_name: dict[str, dict[str, WorkflowDefinition[..., Any]]] = {}
        for definition in workflows:
            self.add(definition)

    def __iter__(self) -> Iterator[WorkflowDefinition[..., Any]]:
        for versions in self._by_name.values():
            yield from versions.values()

    def add(self, definition: WorkflowDefinition[..., Any]) -> None:
        """Register a workflow. The same one again is fine.

        Raises:
            WorkflowDefinitionError: It is no workflow, or another one has this name and version.
        """
        if not isinstance(definition, WorkflowDefinition):
            raise WorkflowDefinitionError(f"{definition!r} is no workflow: declare it with @workflow")
        versions = self._by_name.setdefault(definition.name, {})
        known = versions.get(definition.version)
        if known is not None and known.func is not definition.func:
            msg = f"workflow {definition.name!r} version {definition.version} is registered already; give the new one another version"
            raise WorkflowDefinitionError(msg)
        versions.pop(definition.version, None)
        versions[definition.version] = definition

    def knows(self, name: str) -> bool:
        """Tell whether any version of a workflow is registered."""
        return bool(self._by_name.get(name))

    def find(self, name: str, version: str | None = None) -> WorkflowDefinition[..., Any]:
        """Return a workflow.

        Args:
            name: Its name.
            version: Its version; None for the one registered last.

        Raises:
            WorkflowNotFoundError: It is not registered; names what is.
        """
        versions = self._by_name.get(name)
        if not versions:
            known = ", ".join(sorted(self._by_name)) or "none"
            raise WorkflowNotFoundError(name, f"workflow {name!r} is not registered; registered: {known}")
        if version is None:
            return next(reversed(versions.values()))
        if version not in versions:
            known = ", ".join(versions)
            raise WorkflowNotFoundError(name, f"workflow {name!r} has no version {version}; registered: {known}")
        return versions[version]
