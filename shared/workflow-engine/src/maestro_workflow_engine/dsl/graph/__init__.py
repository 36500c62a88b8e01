"""Workflows as graphs: nodes and edges for programs, Mermaid and SVG for people.

graph = workflow_graph(document.definition)
Path("review.svg").write_text(as_svg(graph))
"""

from maestro_workflow_engine.dsl.graph._build import workflow_graph
from maestro_workflow_engine.dsl.graph._mermaid import as_mermaid
from maestro_workflow_engine.dsl.graph._model import Edge, EdgeKind, GraphNode, WorkflowGraph
from maestro_workflow_engine.dsl.graph._svg import as_svg

__all__ = ["Edge", "EdgeKind", "GraphNode", "WorkflowGraph", "as_mermaid", "as_svg", "workflow_graph"]
