"""Which tool stands for which workflow. Rules only."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST: Final = 64
_WRAPPED: Final = "input"
_ANY_OBJECT: Final[dict[str, Any]] = {"type": "object", "additionalProperties": True}
_BUILT_IN: Final = ("maestro_cancel_run", "maestro_run_result", "maestro_run_status")


@dataclass(frozen=True, slots=True)
class WorkflowTool:
    """A workflow as a tool."""

    name: str
    """Its name as a tool: letters, digits, `_` and `-`, at most 64."""
    workflow: str
    """`namespace/name:version`."""
    title: str
    description: str
    input_schema: Mapping[str, Any]
    """A JSON Schema of an object."""
    is_wrapped: bool
    """Whether the workflow's input is the member `input` of the tool's: it is no object."""

    def payload(self, arguments: Mapping[str, Any]) -> Any:
        """Return the workflow's input from the tool's arguments."""
        return arguments.get(_WRAPPED) if self.is_wrapped else dict(arguments)


def workflow_tools(definitions: Iterable[Mapping[str, Any]]) -> dict[str, WorkflowTool]:
    """Make the tools of workflows.

    Args:
        definitions: The definitions as the orchestrator shows them, with their documents; only the latest version of each counts,
            and only those that can run.

    Returns:
        The tools by name; the same workflows always have the same names.
    """
    found: dict[str, WorkflowTool] = {}
    for definition in sorted(definitions, key=lambda each: (each["namespace"], each["name"])):
        if definition["latest"] and definition["problem"] is None:
            tool = _tool(definition, found)
            found[tool.name] = tool
    return found


def tool_name(namespace: str, name: str) -> str:
    """Return what a workflow's tool is called, where the name is free and short enough."""
    return _NOT_IN_NAMES.sub("_", f"{namespace}_{name}")


def _tool(definition: Mapping[str, Any], taken: Mapping[str, Any]) -> WorkflowTool:
    namespace, name = str(definition["namespace"]), str(definition["name"])
    called = tool_name(namespace, name)
    if len(called) > _LONGEST or called in taken or called in _BUILT_IN:
        mark = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:8]
        called = f"{called[: _LONGEST - 9]}_{mark}"
    document = definition.get("document") or {}
    about = document.get("document") or {}
    schema, is_wrapped = _schema(document)
    title = str(definition.get("title") or f"{namespace}/{name}")
    summary = about.get("summary")
    return WorkflowTool(
        name=called,
        workflow=f"{namespace}/{name}:{definition['version']}",
        title=title,
        description=str(summary or f"Runs the workflow {namespace}/{name} and returns what it gives."),
        input_schema=schema,
        is_wrapped=is_wrapped,
    )


def _schema(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the schema of the tool's arguments, and whether the input is wrapped in them."""
    given = ((document.get("input") or {}).get("schema") or {}).get("document")
    if not isinstance(given, dict):
        return _ANY_OBJECT, False
    if given.get("type") == "object":
        return given, False
    return {"type": "object", "properties": {_WRAPPED: given}, "required": [_WRAPPED]}, True
