"""`switch`: where to go next, by condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maestro_workflow_engine.dsl._expressions import IN_TASK, Expression, parse_expression
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node

FIELDS = ("switch",)
REQUIRED = ("switch",)


@dataclass(frozen=True)
class Switch:
    """Cases in their order, and the one that takes the rest."""

    cases: tuple[tuple[Expression, str], ...]
    """Condition and directive."""
    default: str | None
    """The directive of the case without a condition, wherever it stands; None when there is none."""

    async def run(self, frame: Frame) -> Outcome:
        """Pass the input on, to where the first case that holds says."""
        for condition, then in self.cases:
            if await frame.is_met(condition, frame.input):
                return Outcome(frame.input, then)
        return Outcome(frame.input, self.default)


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Switch:
    """Read the task."""
    node = fields["switch"]
    cases: list[tuple[Expression, str]] = []
    default: str | None = None
    for name, item in node.named_items("a case"):
        case = item.fields(("when", "then"), ("then",), what="a case")
        if "then" not in case:
            continue
        then = parser.directive(case["then"])
        if "when" in case:
            cases.append((parse_expression(case["when"], IN_TASK | scope), then))
        elif default is None:
            default = then
        else:
            item.fault(f"case {name!r} has no 'when', and there is a case without one already")
    if node.value == []:
        node.fault("has no case")
    return Switch(tuple(cases), default)
