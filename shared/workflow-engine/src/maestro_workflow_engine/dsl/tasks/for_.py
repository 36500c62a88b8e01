"""`for`: the same tasks for each item of a collection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from maestro_workflow_engine.dsl._expressions import ARGUMENTS, IN_TASK, Expression, parse_expression
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser, TaskList
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._template import Template, parse_template

FIELDS = ("for", "while", "do")
REQUIRED = ("for", "do")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class For:
    """A loop."""

    items: Template
    """The collection."""
    each: str
    """The variable that holds the current item."""
    at: str
    """The variable that holds its index."""
    condition: Expression | None
    """`while`; None to take all items."""
    tasks: TaskList

    async def run(self, frame: Frame) -> Outcome:
        """Run the tasks for each item; each round's output is the next round's input, the last one this task's output.

        `exit` ends the round it stands in. `while` is asked before each round.
        """
        items = await frame.filled(self.items, frame.input)
        if not isinstance(items, list):
            raise frame.error("expression", f"'for.in' gave {kind_of(items)} where a list is needed")
        data = frame.input
        for index, item in enumerate(items):
            bound = {self.each: item, self.at: index}
            if self.condition is not None and not await frame.is_met(self.condition, data, bound):
                break
            data = await frame.run_list(self.tasks, data, bound)
        return Outcome(data)


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> For:
    """Read the task."""
    loop = fields["for"].fields(("each", "in", "at"), ("in",), what="'for'") if "for" in fields else {}
    each = variable(loop["each"]) if "each" in loop else "item"
    at = variable(loop["at"]) if "at" in loop else "index"
    if each == at and loop:
        loop.get("at", fields["for"]).fault(f"'each' and 'at' are both named {at!r}")
    inner = scope | {each, at}
    empty = Node([], "", fields["for"].log)
    return For(
        items=_items(loop["in"], IN_TASK | scope) if "in" in loop else Template([]),
        each=each,
        at=at,
        condition=parse_expression(fields["while"], IN_TASK | inner) if "while" in fields else None,
        tasks=parser.task_list(fields.get("do", empty), inner),
    )


def variable(node: Node) -> str:
    """Read the name of a variable that a task binds."""
    name = node.text()
    if name in ARGUMENTS:
        node.fault(f"would hide the runtime argument ${name}; choose another name")
    elif isinstance(node.value, str) and not _VARIABLE.fullmatch(name):
        hint = f"did you mean {name[1:]!r}?" if name.startswith("$") else None
        node.fault(f"{name!r} is no variable name: use letters, digits and '_'", hint)
    return name


def _items(node: Node, scope: frozenset[str]) -> Template:
    if isinstance(node.value, str):
        return Template(parse_expression(node, scope))
    for item in node.items():
        if not isinstance(item.value, dict):
            item.fault(f"must be a mapping, not {kind_of(item.value)}; other collections are given by an expression")
    return parse_template(node, scope)
