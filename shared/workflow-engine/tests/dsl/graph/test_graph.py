"""Workflows as nodes and edges, for programs."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from maestro_workflow_engine.dsl.graph import Edge, WorkflowGraph, as_mermaid, as_svg, workflow_graph

HEAD: dict[str, Any] = {"dsl": "1.0.3", "namespace": "test", "name": "sample", "version": "1.0.0"}


def graph_of(tasks: str, **sections: Any) -> WorkflowGraph:
    read = YAML(typ="safe", pure=True).load(tasks)
    return workflow_graph({"document": HEAD, "do": read, **sections})


def edges(graph: WorkflowGraph) -> list[tuple[str, str, str]]:
    """Return the edges, of tasks only their names."""

    def name(identity: str) -> str:
        return identity.rpartition("/")[2]

    return [(name(edge.source), name(edge.target), edge.kind) for edge in graph.edges]


def test_every_node_has_a_place_and_every_edge_two_ends(example: Path) -> None:
    """On every example: ids are unique, parents stand before children, edges stay among nodes of one place."""
    document = YAML(typ="safe", pure=True).load(example.read_text(encoding="utf-8"))
    graph = workflow_graph(document)
    seen: dict[str | None, str | None] = {None: None}
    for node in graph.nodes:
        assert node.id not in seen
        assert node.parent in seen
        seen[node.id] = node.parent
    assert all(seen[edge.source] == seen[edge.target] for edge in graph.edges)
    assert {edge.target for edge in graph.edges} | {"start"} >= {node.id for node in graph.inside(None)} - {
        node.id for node in graph.nodes if node.kind in {"function", "extension"}
    }


def test_a_sequence() -> None:
    """Tasks follow one another from start to end."""
    graph = graph_of("[{a: {set: {x: 1}}}, {b: {wait: PT1S}}]")
    assert edges(graph) == [("start", "a", "next"), ("a", "b", "next"), ("b", "end", "next")]
    assert [(node.kind, node.label, node.detail) for node in graph.nodes] == [
        ("start", "start", ""),
        ("set", "a", "x"),
        ("wait", "b", "PT1S"),
        ("end", "end", ""),
    ]


def test_directives_conditions_and_cases() -> None:
    """`then`, a skipped task, cases with and without a condition, and a jump back are edges with labels."""
    graph = graph_of(
        "[{a: {set: {x: 1}, if: .go, then: end}}, {b: {switch: [{c: {when: .x > 1, then: a}}, {d: {then: exit}}]}}]"
    )
    assert graph.edges == (
        Edge("start", "/do/0/a"),
        Edge("/do/0/a", "end", "then"),
        Edge("/do/0/a", "/do/1/b", "skip", "skipped"),
        Edge("/do/1/b", "/do/0/a", "case", "c: .x > 1"),
        Edge("/do/1/b", "end", "case", "d"),
    )


def test_a_switch_without_default_goes_on() -> None:
    """When no case holds, the task's own directive applies."""
    graph = graph_of("[{a: {switch: [{c: {when: .x, then: end}}]}}, {b: {set: {x: 1}}}]")
    assert Edge("/do/0/a", "/do/1/b", "case", "otherwise") in graph.edges


def test_what_ends_inside_stays_inside() -> None:
    """`exit` and `end` within a task lead to a node of their own there."""
    graph = graph_of("[{a: {do: [{b: {set: {x: 1}, then: exit}}, {c: {set: {x: 1}, then: end}}]}}]")
    inside = {node.id: node.kind for node in graph.inside("/do/0/a")}
    assert inside["/do/0/a#exit"] == "exit"
    assert inside["/do/0/a#end"] == "end"
    assert Edge("/do/0/a/do/0/b", "/do/0/a#exit", "then") in graph.edges


def test_branches_stand_side_by_side() -> None:
    """Branches of a fork have no edges between them; that they compete is told."""
    graph = graph_of("[{a: {fork: {compete: true, branches: [{b: {set: {x: 1}}}, {c: {set: {x: 1}}}]}}}]")
    fork = next(node for node in graph.nodes if node.kind == "fork")
    assert fork.concurrent
    assert fork.detail == "the first wins"
    assert edges(graph) == [("start", "a", "next"), ("a", "end", "next")]


def test_errors_lead_from_try_to_catch() -> None:
    """What is tried and what handles errors are blocks, and the edge between them names the errors."""
    graph = graph_of(
        "[{a: {try: [{b: {set: {x: 1}}}], catch: {errors: {with: {type: 'https://a.b/errors/timeout'}}, retry: {},"
        " do: [{c: {set: {x: 1}}}], then: end}}}, {d: {set: {x: 1}}}]"
    )
    assert Edge("/do/0/a/try", "/do/0/a/catch/do", "catch", "type timeout, retried") in graph.edges
    assert Edge("/do/0/a", "end", "catch", "caught") in graph.edges
    assert [node.label for node in graph.inside("/do/0/a/catch/do")] == ["c"]


def test_events_and_iterators() -> None:
    """A listen tells its events; what is done for each of them is inside."""
    graph = graph_of(
        "[{a: {listen: {to: {any: [{with: {type: a.b}}], until: .done}}, foreach: {do: [{b: {set: {x: 1}}}]}}}]"
    )
    listen = next(node for node in graph.nodes if node.kind == "listen")
    assert listen.detail == "any of a.b until .done"
    assert [node.label for node in graph.inside(listen.id)] == ["b"]


def test_schedules_functions_and_extensions() -> None:
    """The start tells the schedule; functions and extensions stand beside the flow, whatever their names."""
    graph = graph_of(
        "[{a: {call: f}}]",
        schedule={"every": {"minutes": 5}},
        use={
            "functions": {"f": {"set": {"x": 1}}},
            "extensions": [{"log/all": {"extend": "all", "before": [{"b": {"set": {"x": 1}}}], "after": []}}],
        },
    )
    nodes = {node.id: node for node in graph.nodes}
    assert nodes["start"].detail == "every 5 minutes"
    assert nodes["/use/functions/f#function"].kind == "function"
    assert nodes["/use/extensions/0/log~1all"].detail == "extends all"
    assert nodes["/use/extensions/0/log~1all/before"].parent == "/use/extensions/0/log~1all"


def test_the_graph_as_json() -> None:
    """Programs get plain values."""
    found = graph_of("[{a: {set: {x: 1}}}]").as_dict()
    assert found["name"] == "test/sample:1.0.0"
    assert found["nodes"][1] == {
        "id": "/do/0/a", "kind": "set", "label": "a", "detail": "x", "parent": None, "concurrent": False,
    }  # fmt: skip
    assert found["edges"][0] == {"source": "start", "target": "/do/0/a", "kind": "next", "label": ""}


def test_texts_are_escaped() -> None:
    """Names and expressions cannot break out of the drawing."""
    graph = graph_of("""[{'a"]; x<b>': {set: {'</text><script>': 1}, if: '.a == "]" and .b < 1'}}]""")
    assert '"]; x' not in as_mermaid(graph).replace("#quot;]#59; x", "")
    assert "<script>" not in as_svg(graph)
    assert "<b>" not in as_mermaid(graph)
