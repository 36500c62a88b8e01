"""`listen`: events from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine._errors import UnsupportedByRunnerError
from maestro_workflow_engine.dsl._event_consumption import Intake, Strategy, parse_strategy
from maestro_workflow_engine.dsl._event_reading import READS, read_event
from maestro_workflow_engine.dsl._expressions import IN_TASK
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl.tasks._iteration import EACH_AS_IT_IS, Iteration, parse_iteration

FIELDS = ("listen", "foreach")
REQUIRED = ("listen",)


@dataclass(frozen=True)
class Listen:
    """The events to listen for."""

    to: Strategy
    read: str
    foreach: Iteration = EACH_AS_IT_IS

    async def run(self, frame: Frame) -> Outcome:
        """Listen until the strategy is complete. The output is the list of consumed events, in the order of their arrival.

        Events come in one after the other: those that arrive while another one is processed wait, and none is lost until
        the task ends.
        """
        intake = await frame.settled(
            lambda evaluate: Intake(self.to, frame.variables(), lambda each: evaluate(each, frame.input))
        )
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
                        output.append(await self.foreach.run(frame, item, len(output)))
                        if intake.until is not None and await frame.is_met(intake.until, output):
                            break
                    if not intake.is_complete:
                        events.narrow(intake.wanted)
        except UnsupportedByRunnerError as error:
            raise frame.error("configuration", str(error)) from error
        if lifecycle is not None:
            lifecycle.correlation_completed(intake.known)
        return Outcome(output)


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Listen:
    """Read the task."""
    listen = fields["listen"].fields(("to", "read"), ("to",), what="'listen'")
    to = parse_strategy(listen["to"], IN_TASK | scope) if "to" in listen else Strategy("all", ())
    read = listen["read"].choice(READS) if "read" in listen else "data"
    foreach = parse_iteration(fields["foreach"], parser, IN_TASK | scope) if "foreach" in fields else EACH_AS_IT_IS
    return Listen(to, read, foreach)
