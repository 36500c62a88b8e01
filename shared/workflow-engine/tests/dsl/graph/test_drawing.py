"""Drawings of the specification's examples, compared with what was drawn before.

`MAESTRO_WRITE_SNAPSHOTS=1` writes them anew; look at what changed.
"""

import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from maestro_workflow_engine.dsl.graph import WorkflowGraph, as_mermaid, as_svg, workflow_graph
from maestro_workflow_engine.dsl.graph._layout import CHARACTER, Plan, lay_out

SNAPSHOTS = Path(__file__).with_name("snapshots")
DRAWN = (
    "switch-then-string",
    "try-catch-then",
    "fork",
    "listen-to-any-forever-foreach",
    "mock-service-extension",
    "for",
)
"""Examples whose pictures are kept; of all the others too the Mermaid text is."""


def graph_of(example: Path) -> WorkflowGraph:
    document: Any = YAML(typ="safe", pure=True).load(example.read_text(encoding="utf-8"))
    return workflow_graph(document)


def same_as_before(name: str, text: str) -> None:
    path = SNAPSHOTS / name
    if os.environ.get("MAESTRO_WRITE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_mermaid(example: Path) -> None:
    """The Mermaid text of every example is as it was."""
    same_as_before(f"{example.stem.replace(' ', '-')}.mmd", as_mermaid(graph_of(example)))


@pytest.mark.parametrize("name", DRAWN)
def test_svg(name: str, conformance_data: Path) -> None:
    """The picture of some examples, one of each kind of nesting, is as it was."""
    same_as_before(f"{name}.svg", as_svg(graph_of(conformance_data / "examples" / f"{name}.yaml")))


def test_pictures_are_well_formed(example: Path) -> None:
    """Every picture is XML, has every node's name in it, and nothing outside of its frame."""
    graph = graph_of(example)
    root = ET.fromstring(as_svg(graph))
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {node.label for node in graph.nodes} <= texts
    width = float(root.attrib["width"])
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.attrib.get("x", 0)) >= 0
        assert float(box.attrib.get("x", 0)) + float(box.attrib["width"]) <= width + 1


def test_nodes_do_not_overlap(example: Path) -> None:
    """No two nodes of one place cover each other, and what is inside a node fits into it."""
    check(lay_out(graph_of(example)))


def test_labels_beside_lanes_are_in_the_picture() -> None:
    """Edges that lead back and edges that pass over nodes have room for their labels, however long."""
    condition = ".a_condition_of_a_considerable_length > 1"
    switch = [{"back": {"when": condition, "then": "a"}}, {"over": {"when": condition, "then": "d"}}]
    tasks = [{"a": {"wait": "PT1S"}}, {"b": {"switch": switch}}, {"c": {"wait": "PT1S"}}, {"d": {"wait": "PT1S"}}]
    root = ET.fromstring(as_svg(workflow_graph({"document": {}, "do": tasks})))
    labels = [text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.attrib["class"] == "label"]
    assert len(labels) == 3
    for label in labels:
        half = len(label.text or "") * CHARACTER / 2
        assert float(label.attrib["x"]) - half >= 0
        assert float(label.attrib["x"]) + half <= float(root.attrib["width"])


def check(plan: Plan) -> None:
    for number, box in enumerate(plan.boxes):
        for other in plan.boxes[number + 1 :]:
            apart = (
                box.x + box.width <= other.x
                or other.x + other.width <= box.x
                or box.y + box.height <= other.y
                or other.y + other.height <= box.y
            )
            assert apart, (box.node.id, other.node.id)
        if box.inner is not None:
            assert box.inner.width <= box.width
            assert box.inner.height <= box.height
            check(box.inner)
