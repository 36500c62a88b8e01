"""A graph as an SVG picture that stands alone: no scripts, no fonts, no other files; light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from maestro_workflow_engine.dsl.graph._layout import LINE, PADDING, Box, Plan, Route, lay_out, title_of
from maestro_workflow_engine.dsl.graph._model import WorkflowGraph

_MARGIN = 24.0
_STYLE = """
svg { --ink: #1f2933; --soft: #52606d; --line: #7b8794; --paper: #ffffff; --box: #f5f7fa; --group: #fbfcfd;
  --call: #dbeafe; --data: #e0f2e9; --flow: #fef3c7; --event: #ede9fe; --fault: #fee2e2; }
@media (prefers-color-scheme: dark) { svg { --ink: #e4e7eb; --soft: #9aa5b1; --line: #7b8794; --paper: #16191d;
  --box: #1f2933; --group: #1a1f25; --call: #1e3a5f; --data: #1c3d2e; --flow: #4a3b12; --event: #352a5c; --fault: #4f1f1f; } }
.paper { fill: var(--paper); }
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--ink); }
.name { font-weight: 600; } .kind, .detail, .label { fill: var(--soft); font-size: 11px; }
.label { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
.node { fill: var(--box); stroke: var(--line); } .group { fill: var(--group); stroke: var(--line); }
.call, .run, .function { fill: var(--call); } .set { fill: var(--data); } .switch, .wait { fill: var(--flow); }
.listen, .emit { fill: var(--event); } .raise { fill: var(--fault); }
.edge { fill: none; stroke: var(--line); stroke-width: 1.4; } .skip, .catch { stroke-dasharray: 5 4; }
.arrow { fill: var(--line); }
""".strip()

_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="arrow" d="M0 0 8 4 0 8z"/></marker></defs>'
)


def as_svg(graph: WorkflowGraph) -> str:
    """Draw a graph as an SVG picture.

    Args:
        graph: The graph.

    Returns:
        An SVG document, ending with a line feed.
    """
    plan = lay_out(graph)
    width, height = plan.width + 2 * _MARGIN, plan.height + 2 * _MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(graph.name)}>',
        f"<title>{escape(graph.name)}</title>",
        f"<style>{_STYLE}</style>",
        _ARROW,
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
        *_plan(plan, _MARGIN, _MARGIN),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _plan(plan: Plan, x: float, y: float) -> Iterator[str]:
    for box in plan.boxes:
        yield from _box(box, x + box.x, y + box.y)
    for route in plan.routes:
        yield _line(route, x, y)
    for route in plan.routes:
        if route.edge.label:
            yield _text(x + route.label[0], y + route.label[1], route.edge.label, "label")


def _box(box: Box, x: float, y: float) -> Iterator[str]:
    node = box.node
    style = "node group" if box.inner else f"node {node.kind}"
    round_end = node.kind in {"start", "end", "exit"}
    corner = box.height / 2 if round_end else 6
    place = f'x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner:.1f}"'
    yield f"<g><title>{escape(' · '.join([node.id, *title_of(node)]))}</title>"
    yield f'<rect class="{style}" {place}/>'
    middle, line = x + box.width / 2, y + LINE
    if not round_end and node.kind != "block":
        yield _text(middle, line, node.kind, "kind")
        line += LINE
    elif round_end and not node.detail:
        line = y + box.height / 2 + 4
    yield _text(middle, line, node.label, "name")
    if node.detail:
        yield _text(middle, line + LINE, node.detail, "detail")
    if box.inner:
        inset = (box.width - box.inner.width) / 2
        yield from _plan(box.inner, x + inset, y + box.height - box.inner.height - PADDING)
    yield "</g>"


def _line(route: Route, x: float, y: float) -> str:
    points = " ".join(f"{x + px:.1f},{y + py:.1f}" for px, py in route.points)
    return f'<polyline class="edge {route.edge.kind}" points="{points}" marker-end="url(#arrow)"/>'


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(text)}</text>'
