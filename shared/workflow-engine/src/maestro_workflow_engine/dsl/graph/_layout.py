"""Where the nodes of a graph stand, and how its edges run between them: layers from top to bottom, inner graphs first.

Edges run down from one layer to the next. One that passes over layers runs down a lane to the right of everything, and
one that leads back up a lane to the left, so that no edge crosses a node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from maestro_workflow_engine.dsl.graph._model import Edge, GraphNode, WorkflowGraph

GAP_X, GAP_Y, PADDING, LANE = 28.0, 46.0, 18.0, 14.0
LINE, CHARACTER = 17.0, 6.9
"""Height of a line of text and width of a character, in pixels, for the drawing's font."""

Point = tuple[float, float]


@dataclass
class Box:
    """A node and its place."""

    node: GraphNode
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    inner: Plan | None = None
    """What stands in it."""


@dataclass
class Route:
    """An edge and its way."""

    edge: Edge
    points: list[Point]
    label: Point = (0.0, 0.0)


@dataclass
class Plan:
    """Nodes that stand in one place, and the edges between them; positions count from its upper left corner."""

    boxes: list[Box] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def lay_out(graph: WorkflowGraph, parent: str | None = None) -> Plan:
    """Place the nodes in another node, or those of the workflow.

    Args:
        graph: The graph.
        parent: The node whose inside is placed; None for the workflow.
    """
    boxes = [_box(graph, node) for node in graph.inside(parent)]
    names = {box.node.id for box in boxes}
    edges = [edge for edge in graph.edges if edge.source in names and edge.target in names]
    concurrent = any(node.id == parent and node.concurrent for node in graph.nodes)
    layers = _layers(boxes, edges, beside=concurrent)
    return _place(boxes, edges, layers)


def title_of(node: GraphNode) -> list[str]:
    """Return the lines of text of a node."""
    return [node.label, *([node.detail] if node.detail else [])]


def _box(graph: WorkflowGraph, node: GraphNode) -> Box:
    lines = title_of(node)
    width = max(len(line) for line in [*lines, node.kind]) * CHARACTER + 2 * PADDING
    if node.kind in {"start", "end", "exit"} and not node.detail:
        return Box(node, max(width, 64.0), LINE + 12)
    height = (len(lines) + (node.kind != "block")) * LINE + 14
    if not graph.inside(node.id):
        return Box(node, max(width, 120.0), height)
    inner = lay_out(graph, node.id)
    return Box(node, max(width, inner.width + 2 * PADDING), height + inner.height + PADDING, inner=inner)


def _layers(boxes: Sequence[Box], edges: Sequence[Edge], *, beside: bool) -> dict[str, int]:
    """Give each node a layer: below everything that leads forward to it; what nothing leads to is in the first."""
    order = {box.node.id: position for position, box in enumerate(boxes)}
    layers = dict.fromkeys(order, 0)
    if beside:
        return layers
    led_to = {edge.target for edge in edges}
    for box in boxes:
        name = box.node.id
        before = [layers[edge.source] + 1 for edge in edges if edge.target == name and order[edge.source] < order[name]]
        previous = order[name] - 1
        if before:
            layers[name] = max(before)
        elif name not in led_to and previous >= 0 and box.node.kind not in {"function", "extension"}:
            layers[name] = layers[boxes[previous].node.id] + 1
    last = max(layers.values(), default=0)
    for box in boxes:
        if box.node.kind in {"function", "extension"}:
            layers[box.node.id] = last + 1
    return layers


def _place(boxes: Sequence[Box], edges: Sequence[Edge], layers: dict[str, int]) -> Plan:
    places = {box.node.id: box for box in boxes}
    back = [edge for edge in edges if layers[edge.target] <= layers[edge.source]]
    over = [edge for edge in edges if layers[edge.target] > layers[edge.source] + 1]
    rows = [
        [box for box in boxes if layers[box.node.id] == layer] for layer in range(max(layers.values(), default=-1) + 1)
    ]
    left = LANE * (len(back) + 1) + max(len(edge.label) for edge in back) * CHARACTER if back else 0.0
    slots = {box.node.id: max(box.width, _label_width(edges, box.node.id)) for box in boxes}
    widths = [sum(slots[box.node.id] for box in row) + GAP_X * (len(row) - 1) for row in rows]
    body = max(widths, default=0.0)
    top = 0.0
    for row, width in zip(rows, widths, strict=True):
        x = left + (body - width) / 2
        for box in row:
            box.x, box.y = x + (slots[box.node.id] - box.width) / 2, top
            x += slots[box.node.id] + GAP_X
        top += max((box.height for box in row), default=0.0) + GAP_Y
    tops = [min((box.y for box in row), default=0.0) for row in rows]
    routes = [_down(edge, places, tops[layers[edge.target]]) for edge in edges if edge not in back and edge not in over]
    routes += [_around(edge, places, left - LANE * number, -1.0) for number, edge in enumerate(back, 1)]
    right = left + body
    routes += [_around(edge, places, right + LANE * number, 1.0) for number, edge in enumerate(over, 1)]
    labels = max((len(edge.label) for edge in over), default=0) * CHARACTER
    width = right + (LANE * (len(over) + 1) + labels if over else 0.0)
    wide = [route.label[0] + len(route.edge.label) * CHARACTER / 2 for route in routes if route.edge not in over]
    return Plan(list(boxes), routes, max([width, *wide]), max(top - GAP_Y, 0.0))


def _label_width(edges: Sequence[Edge], target: str) -> float:
    """Return the room that the labels above a node need."""
    return max((len(edge.label) * CHARACTER for edge in edges if edge.target == target), default=0.0)


def _down(edge: Edge, places: dict[str, Box], below: float) -> Route:
    source, target = places[edge.source], places[edge.target]
    start = (source.x + source.width / 2, source.y + source.height)
    end = (target.x + target.width / 2, target.y)
    turn = below - GAP_Y / 2
    points = [start, end] if start[0] == end[0] else [start, (start[0], turn), (end[0], turn), end]
    return Route(edge, points, (end[0], turn + 4))


def _around(edge: Edge, places: dict[str, Box], lane: float, side: float) -> Route:
    source, target = places[edge.source], places[edge.target]
    out, back = source.y + source.height / 2, target.y + min(target.height / 2, LINE)
    here = source.x + source.width if side > 0 else source.x
    there = target.x + target.width if side > 0 else target.x
    points = [(here, out), (lane, out), (lane, back), (there, back)]
    label_x = lane + side * (len(edge.label) * CHARACTER / 2 + 4)
    return Route(edge, points, (label_x, (out + back) / 2))
