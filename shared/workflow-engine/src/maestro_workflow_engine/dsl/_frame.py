"""One task while it runs: its data, and the means to evaluate expressions and to run the tasks inside it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from maestro_workflow_engine.dsl import _sequence
from maestro_workflow_engine.dsl._durations import Duration, DurationError, resolve_duration
from maestro_workflow_engine.dsl._errors import TaskError, standard_error
from maestro_workflow_engine.dsl._expressions import Expression, ExpressionError
from maestro_workflow_engine.dsl._host import Host
from maestro_workflow_engine.dsl._model import Outcome, Task, TaskList
from maestro_workflow_engine.dsl._resolver import StepResolver
from maestro_workflow_engine.dsl._template import Template
from maestro_workflow_engine.dsl._time import describe_time

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._lifecycle import Lifecycle

NOTHING: Mapping[str, Any] = {}
_ROUNDS = 100
_REST = timedelta(milliseconds=1)


@dataclass
class Run:
    """What all tasks of one run share."""

    host: Host
    resolver: StepResolver
    workflow: Mapping[str, Any]
    """The `$workflow` argument."""
    runtime: Mapping[str, Any]
    """The `$runtime` argument."""
    context: Any = None
    """The `$context` argument; `export` replaces it."""
    lifecycle: Lifecycle | None = None
    """Tells what happens; None where nobody has asked for it."""
    rounds: int = 0
    """How often the run went back to a task it had been at."""

    async def go_back(self) -> None:
        """Count a step back, and rest now and then: a loop that never waits must not keep its host from all else."""
        self.rounds += 1
        if self.rounds % _ROUNDS == 0:
            await asyncio.sleep(_REST.total_seconds())

    def frame(self, task: Task, raw: Any, scope: Mapping[str, Any]) -> Frame:
        """Open a frame for a task.

        Args:
            task: The task.
            raw: Its raw input.
            scope: The variables that enclosing tasks bind.

        Returns:
            The frame, its input not transformed yet.
        """
        descriptor = {
            "name": task.name,
            "reference": task.reference,
            "definition": task.definition,
            "input": raw,
            "startedAt": describe_time(self.host.now()),
        }
        return Frame(self, task.reference, scope, raw, {"task": descriptor, "authorization": None})


@dataclass
class Frame:
    """One task while it runs."""

    shared: Run
    reference: str
    """JSON Pointer of the task; "/" for the workflow itself."""
    scope: Mapping[str, Any] = field(default_factory=dict)
    """What enclosing tasks bind, such as `item` in a loop."""
    input: Any = None
    """The transformed input, once the task itself runs."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """The runtime expression arguments that only this task has."""

    def variables(self) -> dict[str, Any]:
        """Return the value of every variable that is in scope."""
        shared = self.shared
        common = {"workflow": shared.workflow, "runtime": shared.runtime, "context": shared.context}
        return {**common, **self.arguments, **self.scope}

    def evaluate(self, expression: Expression, data: Any, extra: Mapping[str, Any] = NOTHING) -> Any:
        """Evaluate an expression.

        Args:
            expression: The expression.
            data: What `.` stands for.
            extra: Variables beside those in scope.

        Returns:
            Its value.

        Raises:
            TaskError: It failed: the standard error "expression".
        """
        try:
            return expression.evaluate(data, {**self.variables(), **extra})
        except ExpressionError as error:
            raise self.error("expression", str(error)) from error

    def holds(self, condition: Expression, data: Any, extra: Mapping[str, Any] = NOTHING) -> bool:
        """Evaluate a condition; as in jq, only false and null do not hold."""
        value = self.evaluate(condition, data, extra)
        return value is not None and value is not False

    def fill(self, template: Template, data: Any) -> Any:
        """Fill in a template.

        Args:
            template: The template.
            data: What `.` stands for in its expressions.

        Returns:
            The value.

        Raises:
            TaskError: An expression in it failed.
        """
        return template.fill(lambda expression: self.evaluate(expression, data))

    def duration(self, duration: Duration, data: Any, extra: Mapping[str, Any] = NOTHING) -> timedelta:
        """Resolve a duration.

        Args:
            duration: The duration.
            data: What `.` stands for in its expression.
            extra: Variables beside those in scope.

        Returns:
            The duration.

        Raises:
            TaskError: Its expression failed or gave no duration.
        """
        try:
            return resolve_duration(duration, lambda expression: self.evaluate(expression, data, extra))
        except DurationError as error:
            raise self.error("expression", str(error)) from error

    def error(self, kind: str, detail: str, *, title: str | None = None, status: int | None = None) -> TaskError:
        """Make a standard error that comes from this task; see `standard_error`."""
        return standard_error(kind, detail, self.reference, title=title, status=status)

    async def run_list(self, tasks: TaskList, data: Any, bound: Mapping[str, Any] = NOTHING) -> Any:
        """Run the tasks of a list inside this task.

        Args:
            tasks: The list.
            data: The first task's raw input.
            bound: Variables that the tasks see beside those in scope.

        Returns:
            The last task's output.
        """
        return await _sequence.run_list(self.shared, tasks, data, {**self.scope, **bound})

    async def run_task(self, task: Task, data: Any) -> Outcome:
        """Run one task inside this task."""
        return await _sequence.run_task(self.shared, task, data, self.scope)
