"""`listen`: events from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from maestro_workflow_engine._errors import UnsupportedByRunnerError
from maestro_workflow_engine.dsl._event_consumption import Intake, Strategy, parse_strategy
from maestro_workflow_engine.dsl._event_reading import READS, read_event
from maestro_workflow_engine.dsl._expressions import AFTER_TASK, IN_TASK
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import NO_TRANSFORMATION, Outcome, Parser, TaskList, Transformation
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._sequence import transform_output
from maestro_workflow_engine.dsl.tasks.for_ import variable

FIELDS = ("listen", "foreach")
REQUIRED = ("listen",)


@dataclass(frozen=True)
class ForEach:
    """What is done with each event before the next one is looked at."""

    item: str
    """The variable that holds the event, as it is read."""
    at: str
    """The variable that holds its index, from 0."""
    tasks: TaskList
    output: Transformation = NO_TRANSFORMATION
    export: Transformation = NO_TRANSFORMATION

    async def process(self, frame: Frame, item: Any, index: int) -> Any:
        """Run the tasks on an event, and transform what comes of it.

        Returns:
            What the event leaves in the output of `listen`.
        """
        bound = {self.item: item, self.at: index}
        result = await frame.run_list(self.tasks, item, bound)
        inner = replace(frame, scope={**frame.scope, **bound}, arguments=dict(frame.arguments))
        result = transform_output(inner, self.output, result, "output")
        inner.arguments["output"] = result
        exported = frame.shared.context if self.export.value is None else result
        frame.shared.context = transform_output(inner, self.export, exported, "exported context")
        return result


@dataclass(frozen=True)
class Listen:
    """The events to listen for."""

    to: Strategy
    read: str
    foreach: ForEach | None = None

    async def run(self, frame: Frame) -> Outcome:
        """Listen until the strategy is complete. The output is the list of consumed events, in the order of their arrival.

        Events come in one after the other: those that arrive while another one is processed wait, and none is lost until
        the task ends.
        """
        intake = Intake(self.to, frame.variables(), lambda expression: frame.evaluate(expression, frame.input))
        output: list[Any] = []
        if intake.is_complete:
            return Outcome(output)
        lifecycle = frame.shared.lifecycle if self.to.correlates else None
        if lifecycle is not None:
            lifecycle.correlation_started()
        try:
            async with frame.shared.host.listen(intake.wanted) as events:
                while not intake.is_complete:
                    if intake.take(event := await events.next()):
                        item = read_event(event, self.read)
                        output.append(item if self.foreach is None else await self._process(frame, item, len(output)))
                        if intake.until is not None and frame.holds(intake.until, output):
                            break
                    if not intake.is_complete:
                        events.narrow(intake.wanted)
        except UnsupportedByRunnerError as error:
            raise frame.error("configuration", str(error)) from error
        if lifecycle is not None:
            lifecycle.correlation_completed(intake.known)
        return Outcome(output)

    async def _process(self, frame: Frame, item: Any, index: int) -> Any:
        assert self.foreach is not None  # the caller has looked
        return await self.foreach.process(frame, item, index)


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Listen:
    """Read the task."""
    listen = fields["listen"].fields(("to", "read"), ("to",), what="'listen'")
    to = parse_strategy(listen["to"], IN_TASK | scope) if "to" in listen else Strategy("all", ())
    read = listen["read"].choice(READS) if "read" in listen else "data"
    foreach = _parse_foreach(fields["foreach"], parser, scope) if "foreach" in fields else None
    return Listen(to, read, foreach)


def _parse_foreach(node: Node, parser: Parser, scope: frozenset[str]) -> ForEach:
    from maestro_workflow_engine.dsl._parser import parse_data  # noqa: PLC0415  the parser knows every kind of task

    fields = node.fields(("item", "at", "do", "output", "export"), what="'foreach'")
    item = variable(fields["item"]) if "item" in fields else "item"
    at = variable(fields["at"]) if "at" in fields else "index"
    if item == at:
        fields.get("at", node).fault(f"'item' and 'at' are both named {at!r}")
    inner = scope | {item, at}
    return ForEach(
        item=item,
        at=at,
        tasks=parser.task_list(fields.get("do", Node([], "", node.log)), inner),
        output=parse_data(fields.get("output"), "as", IN_TASK | inner),
        export=parse_data(fields.get("export"), "as", AFTER_TASK | inner),
    )
