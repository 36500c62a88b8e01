"""`foreach`: what is done with each item of a subscription (DSL 1.0.3, "Subscription Iterator")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._expressions import ARGUMENTS
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import NO_TRANSFORMATION, Parser, TaskList, Transformation
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._parse_data import parse_data
from maestro_workflow_engine.dsl._sequence import export_context, transform_output
from maestro_workflow_engine.dsl.tasks.for_ import variable


@dataclass(frozen=True)
class Iteration:
    """The tasks for each item, and what they leave behind."""

    item: str = "item"
    """The variable that holds the item."""
    at: str = "index"
    """The variable that holds its index."""
    tasks: TaskList | None = None
    output: Transformation = NO_TRANSFORMATION
    export: Transformation = NO_TRANSFORMATION

    async def run(self, frame: Frame, item: Any, index: int) -> Any:
        """Process one item.

        Args:
            frame: The task that subscribes.
            item: The item; it is the first task's input too.
            index: Which it is, from 0.

        Returns:
            The last task's output, or without tasks the item, as `output.as` leaves it.

        Raises:
            TaskError: A task failed, a transformation failed, or something does not fit its schema.
        """
        bound = {self.item: item, self.at: index}
        output = item if self.tasks is None else await frame.run_list(self.tasks, item, bound)
        inner = frame.with_variables(bound)
        output = await transform_output(inner, self.output, output, "item's output")
        inner.arguments["output"] = output
        if self.export is not NO_TRANSFORMATION:
            await export_context(inner, self.export, output)
        return output


EACH_AS_IT_IS = Iteration()


def parse_iteration(node: Node, parser: Parser, scope: frozenset[str]) -> Iteration:
    """Read `foreach`.

    Args:
        node: The field.
        parser: Reads the tasks.
        scope: The variables that the task itself may use.

    Returns:
        The iteration.
    """
    fields = node.fields(("item", "at", "do", "output", "export"), what="'foreach'")
    item = variable(fields["item"]) if "item" in fields else "item"
    at = variable(fields["at"]) if "at" in fields else "index"
    if item == at:
        fields.get("at", node).fault(f"'item' and 'at' are both named {at!r}")
    inner = scope | {item, at}
    return Iteration(
        item,
        at,
        parser.task_list(fields["do"], inner - set(ARGUMENTS)) if "do" in fields else None,
        parse_data(fields.get("output"), "as", inner),
        parse_data(fields.get("export"), "as", inner | {"output"}),
    )
