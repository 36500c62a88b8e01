"""What a workflow looks like: nodes, some inside others, and edges between them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

EdgeKind = Literal["next", "then", "case", "skip", "catch"]
"""In order; by `then`; by a `switch` case; past a task whose `if` does not hold; after an error was caught."""


@dataclass(frozen=True)
class GraphNode:
    """A task, a list of tasks inside one, or a place where the flow begins or ends."""

    id: str
    """JSON Pointer of the task or list in its document; "start", "end", or a list's pointer with "#exit" or "#end"."""
    kind: str
    """The task's kind, such as "call"; "block" for a list inside a task; "function", "extension"; "start", "end", "exit"."""
    label: str
    """The task's name, or what the list is for."""
    detail: str = ""
    """What it does, in a few words; empty when the label says it."""
    parent: str | None = None
    """The node it stands in; None for the workflow itself."""
    concurrent: bool = False
    """Whether the nodes in it run at the same time."""


@dataclass(frozen=True)
class Edge:
    """One way that the flow can take."""

    source: str
    target: str
    kind: EdgeKind = "next"
    label: str = ""
    """The condition or the error; empty when there is none."""


@dataclass(frozen=True)
class WorkflowGraph:
    """A workflow as a graph."""

    name: str
    """The workflow, as "namespace/name:version"."""
    nodes: tuple[GraphNode, ...]
    """Every node stands behind the one that it is in; otherwise in the order of the document."""
    edges: tuple[Edge, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the graph as JSON values: `{"name", "nodes": […], "edges": […]}`."""
        return {
            "name": self.name,
            "nodes": [asdict(node) for node in self.nodes],
            "edges": [asdict(edge) for edge in self.edges],
        }

    def inside(self, parent: str | None) -> tuple[GraphNode, ...]:
        """Return the nodes that stand directly in another; those of the workflow itself for None."""
        return tuple(node for node in self.nodes if node.parent == parent)
