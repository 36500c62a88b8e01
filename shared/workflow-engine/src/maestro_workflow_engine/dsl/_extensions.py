"""Extensions: tasks that run before and after other tasks (DSL 1.0.3, "Extension")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maestro_workflow_engine.dsl._errors import TaskError
from maestro_workflow_engine.dsl._expressions import BEFORE_TASK, Expression, parse_expression
from maestro_workflow_engine.dsl._model import Outcome, Parser, Task, TaskList
from maestro_workflow_engine.dsl._node import Node

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._frame import Frame

INSIDE = "$extension"
"""A name in the scope of an extension's own tasks: nothing extends those. No expression can name it."""

TARGETS = ("call", "composite", "emit", "for", "listen", "raise", "run", "set", "switch", "try", "wait", "all")
_COMPOSITE = frozenset({"do", "fork"})
_NO_TASKS = TaskList((), {})


@dataclass(frozen=True)
class Extension:
    """What runs around tasks of one kind."""

    name: str
    target: str
    """One of `TARGETS`."""
    condition: Expression | None = None
    before: TaskList = _NO_TASKS
    after: TaskList = _NO_TASKS

    async def applies(self, frame: Frame, task: Task, raw: Any) -> bool:
        """Tell whether a task is extended.

        Args:
            frame: The task's frame.
            task: The task.
            raw: Its raw input, which `.` stands for in `when`.

        Returns:
            Whether its kind is meant and `when` holds. There `$task` has the fields of the task's definition beside those of
            its descriptor, because the specification's examples say `$task.with`; and a condition that fails does not hold,
            because one condition meets tasks of every shape, as that of the mock service does.
        """
        kind = "composite" if task.kind in _COMPOSITE else task.kind
        if self.target not in {"all", kind}:
            return False
        if self.condition is None:
            return True
        described = {**task.definition, **frame.described()}
        try:
            return await frame.is_met(self.condition, raw, {"task": described})
        except TaskError:
            return False


@dataclass(frozen=True)
class Injected:
    """The body of a task that an extension stands in for."""

    output: Any

    async def run(self, _frame: Frame) -> Outcome:
        """Output what the extension gave."""
        return Outcome(self.output)


def parse_extensions(node: Node, parser: Parser) -> tuple[Extension, ...]:
    """Read `use.extensions`.

    Args:
        node: The list.
        parser: Reads the tasks.

    Returns:
        The extensions, in the order of the document.
    """
    return tuple(_parse(name, item, parser) for name, item in node.named_items("an extension"))


def _parse(name: str, node: Node, parser: Parser) -> Extension:
    fields = node.fields(("extend", "when", "before", "after"), ("extend",), what="an extension")
    return Extension(
        name=name,
        target=fields["extend"].choice(TARGETS) if "extend" in fields else "all",
        condition=parse_expression(fields["when"], BEFORE_TASK) if "when" in fields else None,
        before=parser.task_list(fields["before"], frozenset()) if "before" in fields else _NO_TASKS,
        after=parser.task_list(fields["after"], frozenset()) if "after" in fields else _NO_TASKS,
    )
