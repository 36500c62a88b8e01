"""`raise`: an error, on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maestro_workflow_engine.dsl._errors import TaskError
from maestro_workflow_engine.dsl._expressions import IN_TASK, ExpressionError
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._problem import Problem, parse_problem
from maestro_workflow_engine.dsl._template import Template

FIELDS = ("raise",)
REQUIRED = ("raise",)


@dataclass(frozen=True)
class Raise:
    """The error to raise."""

    problem: Problem

    async def run(self, frame: Frame) -> Outcome:
        """Raise the error; unless it names an instance itself, that is this task."""
        try:
            error = self.problem.made(await frame.filled(self.problem.fields, frame.input), frame.reference)
        except ExpressionError as problem:
            raise frame.error("expression", str(problem)) from problem
        raise TaskError(error)


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Raise:
    """Read the task."""
    content = fields["raise"].fields(("error",), ("error",), what="'raise'")
    nothing = Problem(Template({}))
    if "error" not in content:
        return Raise(nothing)
    node = content["error"]
    if isinstance(node.value, str):
        return Raise(parser.use.error(node) or nothing)
    return Raise(parse_problem(node, IN_TASK | scope))
