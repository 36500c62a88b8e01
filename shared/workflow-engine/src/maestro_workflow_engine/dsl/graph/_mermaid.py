"""A graph as a Mermaid flowchart (mermaid.js.org)."""

from __future__ import annotations

from collections.abc import Iterator

from maestro_workflow_engine.dsl.graph._model import Edge, GraphNode, WorkflowGraph

_SHAPES = {
    "start": ("([", "])"),
    "end": ("([", "])"),
    "exit": ("([", "])"),
    "switch": ("{", "}"),
    "wait": ("{{", "}}"),
    "listen": ("[/", "/]"),
    "emit": ("[\\", "\\]"),
    "raise": (">", "]"),
    "call": ("[[", "]]"),
    "run": ("[[", "]]"),
}
_ARROWS = {"next": "-->", "then": "-->", "case": "-->", "skip": "-.->", "catch": "-.->"}
_ESCAPES = str.maketrans({
    "#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;", ";": "#59;",
})  # fmt: skip


def as_mermaid(graph: WorkflowGraph) -> str:
    """Draw a graph as Mermaid text.

    Args:
        graph: The graph.

    Returns:
        A flowchart, ending with a line feed.
    """
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["---", f"title: {graph.name}", "---", "flowchart TD", *_nodes(graph, None, names, "  ")]
    lines += (_edge(edge, names) for edge in graph.edges)
    return "\n".join(lines) + "\n"


def _nodes(graph: WorkflowGraph, parent: str | None, names: dict[str, str], indent: str) -> Iterator[str]:
    for node in graph.inside(parent):
        if graph.inside(node.id):
            yield f'{indent}subgraph {names[node.id]}["{_text(node)}"]'
            yield from _nodes(graph, node.id, names, indent + "  ")
            yield f"{indent}end"
        else:
            left, right = _SHAPES.get(node.kind, ("[", "]"))
            yield f'{indent}{names[node.id]}{left}"{_text(node)}"{right}'


def _text(node: GraphNode) -> str:
    is_plain = node.kind in {"start", "end", "exit", "block"}
    title = node.label if is_plain else f"{node.kind}: {node.label}"
    return "<br/>".join(part.translate(_ESCAPES) for part in (title, node.detail) if part)


def _edge(edge: Edge, names: dict[str, str]) -> str:
    label = f'|"{edge.label.translate(_ESCAPES)}"|' if edge.label else ""
    return f"  {names[edge.source]} {_ARROWS[edge.kind]}{label} {names[edge.target]}"
