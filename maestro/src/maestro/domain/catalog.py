"""The workflows there are: how they are named, and how a name finds one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from maestro.domain.errors import Fault, UnknownWorkflowError
from maestro_workflow_engine import WorkflowDefinition
from maestro_workflow_engine.dsl import WorkflowDocument

PYTHON_NAMESPACE = "python"
"""The namespace of Python workflows whose name has none. No document may use it."""


@dataclass(frozen=True, slots=True)
class WorkflowKey:
    """What names one definition."""

    namespace: str
    name: str
    version: str

    @classmethod
    def of(cls, engine_name: str, version: str) -> Self:
        """Name a workflow of the engine.

        Args:
            engine_name: "namespace/name", or "name" for one of the namespace `python`.
            version: Its version.
        """
        namespace, name = public_name(engine_name).split("/", 1)
        return cls(namespace, name, version)

    @property
    def qualified_name(self) -> str:
        """The name with its namespace."""
        return f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        """Return "namespace/name:version"."""
        return f"{self.qualified_name}:{self.version}"


class Kind(StrEnum):
    """What a workflow is written in."""

    DOCUMENT = "document"
    """Open Workflow DSL."""
    PYTHON = "python"
    """Python, from a module named in `workflow_modules`."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a workflow."""

    key: WorkflowKey
    kind: Kind
    title: str
    engine_name: str
    """What the engine calls it."""
    document: Mapping[str, Any] | None = None
    """The document as plain values; None for Python."""
    problem: str | None = None
    """Why it cannot run at the moment; None when it can."""
    input_violations: Callable[[Any], str | None] | None = None
    """Tells in words what is wrong with an input; None where the engine checks it by type."""

    def check_input(self, value: Any) -> Fault | None:
        """Check a run's input against the schema of the document.

        Args:
            value: The input, any JSON value.

        Returns:
            What does not fit; None when everything does, or there is no schema.
        """
        found = None if self.input_violations is None else self.input_violations(value)
        return None if found is None else Fault("input", found)


class Catalog:
    """The definitions of one orchestrator. Of several versions of a workflow, the one registered last is the latest."""

    def __init__(self) -> None:
        self._versions: dict[str, dict[str, Definition]] = {}

    def __iter__(self) -> Iterator[Definition]:
        """Yield every definition: by name, the latest version first."""
        for name in sorted(self._versions):
            yield from reversed(self._versions[name].values())

    def add(self, definition: Definition) -> None:
        """Add a definition, as the latest of its name.

        Args:
            definition: The definition; its key must be new.
        """
        versions = self._versions.setdefault(definition.key.qualified_name, {})
        assert definition.key.version not in versions
        versions[definition.key.version] = definition

    def get(self, key: WorkflowKey) -> Definition | None:
        """Return the definition of a key; None when there is none."""
        return self._versions.get(key.qualified_name, {}).get(key.version)

    def versions(self, qualified_name: str) -> list[Definition]:
        """Return the versions of a workflow, the latest first.

        Args:
            qualified_name: "namespace/name".

        Raises:
            UnknownWorkflowError: There is none of that name.
        """
        versions = self._versions.get(qualified_name)
        if not versions:
            raise UnknownWorkflowError(qualified_name, self.references())
        return list(reversed(versions.values()))

    def find(self, reference: str) -> Definition:
        """Find a definition.

        Args:
            reference: "namespace/name" for the latest version, or "namespace/name:version".

        Raises:
            UnknownWorkflowError: There is no such workflow or version.
        """
        qualified_name, _, version = reference.partition(":")
        versions = self._versions.get(qualified_name)
        if not versions or (version and version not in versions):
            raise UnknownWorkflowError(reference, self.references())
        return versions[version] if version else next(reversed(versions.values()))

    def is_latest(self, definition: Definition) -> bool:
        """Tell whether a name without a version leads to this definition."""
        versions = self._versions[definition.key.qualified_name]
        return next(reversed(versions)) == definition.key.version

    def engine_name(self, qualified_name: str) -> str:
        """Return what the engine calls a workflow, whether it is registered or, with runs from earlier, was."""
        versions = self._versions.get(qualified_name)
        if versions:
            return next(iter(versions.values())).engine_name
        return qualified_name.removeprefix(f"{PYTHON_NAMESPACE}/")

    def references(self) -> list[str]:
        """Return "namespace/name:version" of every definition."""
        return [str(definition.key) for definition in self]


def public_name(engine_name: str) -> str:
    """Return the name with its namespace of a workflow that the engine knows by `engine_name`."""
    return engine_name if "/" in engine_name else f"{PYTHON_NAMESPACE}/{engine_name}"


def from_python(workflow: WorkflowDefinition[..., Any]) -> Definition:
    """Describe a Python workflow.

    Args:
        workflow: The workflow.

    Returns:
        Its definition.
    """
    key = WorkflowKey.of(workflow.name, workflow.version)
    return Definition(key, Kind.PYTHON, workflow.title, workflow.name)


def from_document(document: WorkflowDocument) -> Definition:
    """Describe a document.

    Args:
        document: The document.

    Returns:
        Its definition.
    """
    key = WorkflowKey(document.namespace, document.name, document.version)
    return Definition(
        key,
        Kind.DOCUMENT,
        document.title or document.summary or "",
        document.qualified_name,
        document=document.definition,
        input_violations=document.input_violations,
    )
