"""`do`: tasks one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser, TaskList
from maestro_workflow_engine.dsl._node import Node

FIELDS = ("do",)
REQUIRED = ("do",)


@dataclass(frozen=True)
class Do:
    """A list of tasks."""

    tasks: TaskList

    async def run(self, frame: Frame) -> Outcome:
        """Run the list; its last output is this task's."""
        return Outcome(await frame.run_list(self.tasks, frame.input))


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Do:
    """Read the task."""
    return Do(parser.task_list(fields["do"], scope))
