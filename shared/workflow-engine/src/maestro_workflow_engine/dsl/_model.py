"""What a loaded document consists of: tasks, lists of tasks, and what surrounds each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from maestro_workflow_engine.dsl._durations import Duration
from maestro_workflow_engine.dsl._expressions import Expression
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._schemas import Schema, SchemaResource
from maestro_workflow_engine.dsl._template import Template

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._frame import Frame
    from maestro_workflow_engine.dsl._use import Use

CONTINUE, EXIT, END = "continue", "exit", "end"
"""The flow directives that are no task's name."""


class Outcome(NamedTuple):
    """What a task leaves behind."""

    output: Any
    """Its output."""
    then: str | None = None
    """Where to go; None for the task's own `then`, or the next task."""


class Body(Protocol):
    """What makes a kind of task: its own fields, and what it does with them."""

    async def run(self, frame: Frame) -> Outcome:
        """Do the task's work.

        Args:
            frame: The task's input, and the means to evaluate expressions and run other tasks.

        Returns:
            The raw output, before `output.as`.

        Raises:
            TaskError: The task failed.
        """


@dataclass(frozen=True)
class Transformation:
    """`input`, `output` or `export`: a schema and a transformation, each of which may be absent."""

    schema: Schema | SchemaResource | None = None
    value: Template | None = None
    is_confidential: bool = False
    """Whether the transformation uses secrets, so that only a step may make it."""


NO_TRANSFORMATION = Transformation()


@dataclass(frozen=True)
class Task:
    """One task of a list."""

    name: str
    reference: str
    """JSON Pointer of the task in its document, such as `/do/0/greet`."""
    definition: Any
    """What stands under its name, as plain values."""
    body: Body
    condition: Expression | None = None
    """`if`."""
    input: Transformation = NO_TRANSFORMATION
    output: Transformation = NO_TRANSFORMATION
    export: Transformation = NO_TRANSFORMATION
    timeout: Duration | None = None
    then: str = CONTINUE
    kind: str = ""
    """The field that makes it what it is, such as "call"."""


@dataclass(frozen=True)
class TaskList:
    """Tasks that run one after the other."""

    tasks: tuple[Task, ...]
    positions: Mapping[str, int]
    """Where each task stands, by name."""


class Parser(Protocol):
    """What a kind of task needs to read its fields."""

    use: Use

    def task_list(self, node: Node, scope: frozenset[str]) -> TaskList:
        """Read a list of tasks.

        Args:
            node: The list.
            scope: The variables that enclosing tasks bind, such as `item`.

        Returns:
            The tasks; those at fault are left out.
        """

    def branches(self, node: Node, scope: frozenset[str]) -> TaskList:
        """Read a list of tasks that run at the same time, none of which may lead to another.

        Args:
            node: The list.
            scope: The variables that enclosing tasks bind.

        Returns:
            The tasks; those at fault are left out.
        """

    def directive(self, node: Node) -> str:
        """Read a flow directive (`then`); a task's name is looked up once the list around it is complete."""
