"""From a document to its graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.dsl._model import CONTINUE, END, EXIT
from maestro_workflow_engine.dsl.graph._details import detail_of, errors_of, schedule_of, short
from maestro_workflow_engine.dsl.graph._model import Edge, EdgeKind, GraphNode, WorkflowGraph
from maestro_workflow_engine.dsl.validation._rules import Where, path_of
from maestro_workflow_engine.dsl.validation._tasks import kind_of_task
from maestro_workflow_engine.dsl.validation._walk import (
    Block,
    Entry,
    blocks_of,
    inner_blocks,
    list_of,
    mapping_items,
    member,
)


def workflow_graph(document: Mapping[str, Any]) -> WorkflowGraph:
    """Make the graph of a workflow.

    Args:
        document: A valid document as plain values, such as `WorkflowDocument.definition`; what of it can be run here
            does not matter.

    Returns:
        Its graph: the tasks of the workflow between "start" and, unless all ways fail, "end"; tasks inside others in them; functions and
        extensions beside.
    """
    head = member(document, "document")
    builder = _Builder()
    builder.nodes.append(GraphNode("start", "start", "start", schedule_of(document)))
    for block in blocks_of(document):
        if block.owner is None and block.role == "do":
            builder.list_of_tasks(block, None)
    if any(edge.target == "end" for edge in builder.edges):
        builder.nodes.append(GraphNode("end", "end", "end"))
    for block in blocks_of(document):
        if block.role == "function":
            builder.function(block)
        elif block.role in {"before", "after"}:
            builder.extension(block, document)
    name = f"{member(head, 'namespace')}/{member(head, 'name')}:{member(head, 'version')}"
    return WorkflowGraph(name, tuple(builder.nodes), tuple(dict.fromkeys(builder.edges)))


class _Builder:
    def __init__(self) -> None:
        self.nodes: list[GraphNode] = []
        self.edges: list[Edge] = []

    def function(self, block: Block) -> None:
        """Add a function, as one node with its task inside."""
        entry = block.entries[0]
        identity = path_of(entry.where)
        self.nodes.append(GraphNode(f"{identity}#function", "function", entry.name))
        self._task(entry, block, f"{identity}#function")

    def extension(self, block: Block, document: Mapping[str, Any]) -> None:
        """Add what an extension does before or after tasks."""
        if not block.entries:
            return
        named = _outside(block.entries[0].where, 3)
        assert named is not None
        parent, name = named
        assert parent is not None
        definition = list_of(member(member(document, "use"), "extensions"))[int(parent[1])][name]
        identity = path_of(named)
        if all(node.id != identity for node in self.nodes):
            extended = f"extends {member(definition, 'extend')}"
            self.nodes.append(GraphNode(identity, "extension", str(name), extended))
        self._block(block, identity, f"{identity}/{block.role}", block.role)

    def list_of_tasks(self, block: Block, parent: str | None) -> None:
        """Add the tasks of a list, and the edges between them."""
        for entry in block.entries:
            self._task(entry, block, parent)
        if block.concurrent:
            return
        flow = _Flow(block, parent)
        if parent is None:
            self.edges.append(Edge("start", path_of(block.entries[0].where) if block.entries else "end"))
        for position in range(len(block.entries)):
            flow.leave(position)
        self.nodes += flow.ends.values()
        self.edges += flow.edges

    def _task(self, entry: Entry, block: Block, parent: str | None) -> None:
        identity, kind = path_of(entry.where), kind_of_task(entry.definition)
        inner = list(inner_blocks(entry, block.variables))
        concurrent = any(one.concurrent for one in inner)
        detail = detail_of(entry.definition, kind)
        self.nodes.append(GraphNode(identity, kind or "task", entry.name, detail, parent, concurrent))
        if kind == "try":
            self._try(entry, inner, identity)
            return
        for one in inner:
            self.list_of_tasks(one, identity)

    def _try(self, entry: Entry, inner: list[Block], identity: str) -> None:
        errors = errors_of(member(entry.definition, "catch"))
        retries = "retry" in (member(entry.definition, "catch") or {})
        handled = [one for one in inner if one.role == "catch"]
        for one in inner:
            at = f"{identity}/try" if one.role == "try" else f"{identity}/catch/do"
            self._block(one, identity, at, "try" if one.role == "try" else "catch")
        if not handled:
            self.nodes.append(GraphNode(f"{identity}/catch", "block", "catch", parent=identity))
        target = f"{identity}/catch/do" if handled else f"{identity}/catch"
        self.edges.append(Edge(f"{identity}/try", target, "catch", f"{errors}, retried" if retries else errors))

    def _block(self, block: Block, parent: str, identity: str, label: str) -> None:
        self.nodes.append(GraphNode(identity, "block", label, parent=parent))
        self.list_of_tasks(block, identity)


def _outside(where: Where, levels: int) -> Where:
    """Return what is around a place."""
    for _ in range(levels):
        where = where[0] if where is not None else None
    return where


class _Flow:
    """Where the tasks of one list lead."""

    def __init__(self, block: Block, parent: str | None) -> None:
        self._entries = block.entries
        self._parent = parent
        self._ids = {entry.name: path_of(entry.where) for entry in reversed(block.entries)}
        self.ends: dict[str, GraphNode] = {}
        self.edges: list[Edge] = []

    def leave(self, position: int) -> None:
        """Add every way out of a task."""
        entry = self._entries[position]
        task, kind = entry.definition, kind_of_task(entry.definition)
        own = str(member(task, "then") or CONTINUE)
        edge: EdgeKind = "next" if own == CONTINUE else "then"
        if kind == "switch":
            covered = self._cases(position, task, own)
            if not covered:
                self._lead(position, own, "case", "otherwise")
        elif kind != "raise":
            self._lead(position, own, edge)
        if "if" in task and own != CONTINUE:
            self._lead(position, CONTINUE, "skip", "skipped")
        caught = member(member(task, "catch"), "then")
        if isinstance(caught, str):
            self._lead(position, caught, "catch", "caught")

    def _cases(self, position: int, task: Mapping[str, Any], own: str) -> bool:
        covered = False
        for item in list_of(task["switch"]):
            for name, case in mapping_items(item):
                when = member(case, "when")
                covered = covered or when is None
                label = name if when is None else f"{name}: {when}"
                self._lead(position, str(member(case, "then") or own), "case", short(label))
        return covered

    def _lead(self, position: int, directive: str, kind: EdgeKind, label: str = "") -> None:
        target = self._target(position, directive)
        if target is not None:
            self.edges.append(Edge(path_of(self._entries[position].where), target, kind, label))

    def _target(self, position: int, directive: str) -> str | None:
        if directive in self._ids:
            return self._ids[directive]
        is_last = position + 1 == len(self._entries)
        if directive == CONTINUE and not is_last:
            return path_of(self._entries[position + 1].where)
        if self._parent is None:
            return "end"
        if directive in {EXIT, END}:
            identity = f"{self._parent}#{directive}"
            self.ends.setdefault(identity, GraphNode(identity, directive, directive, parent=self._parent))
            return identity
        return None
