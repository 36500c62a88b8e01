"""`set`: data, which replaces what came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maestro_workflow_engine.dsl._expressions import IN_TASK, enclosed
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._template import Template, parse_template

FIELDS = ("set",)
REQUIRED = ("set",)


@dataclass(frozen=True)
class Set:
    """The data to output."""

    data: Template

    async def run(self, frame: Frame) -> Outcome:
        """Output the data, filled in."""
        return Outcome(await frame.filled(self.data, frame.input))


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Set:
    """Read the task."""
    node = fields["set"]
    if isinstance(node.value, str):
        if enclosed(node.value) is None:
            node.fault("must be a mapping, or an expression in ${ }")
    elif not isinstance(node.value, dict):
        node.fault(f"must be a mapping, or an expression in ${{ }}, not {kind_of(node.value)}")
    elif not node.value:
        node.fault("sets nothing")
    return Set(parse_template(node, IN_TASK | scope))
