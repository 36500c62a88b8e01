"""One task while it runs: its data, and the means to evaluate expressions and to run the tasks inside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine.dsl import _sequence
from maestro_workflow_engine.dsl._durations import Duration, DurationError, resolve_duration
from maestro_workflow_engine.dsl._errors import TaskError, standard_error
from maestro_workflow_engine.dsl._expression_pool import ExpressionCall
from maestro_workflow_engine.dsl._expressions import Expression, ExpressionError, HeavyExpressionError
from maestro_workflow_engine.dsl._extensions import INSIDE, Extension
from maestro_workflow_engine.dsl._host import Host
from maestro_workflow_engine.dsl._jq import JqError, read_results
from maestro_workflow_engine.dsl._late import Sealed, seal
from maestro_workflow_engine.dsl._model import Outcome, Task, TaskList
from maestro_workflow_engine.dsl._resolver import StepResolver
from maestro_workflow_engine.dsl._schemas import Schema
from maestro_workflow_engine.dsl._template import Template
from maestro_workflow_engine.dsl._time import describe_time
from maestro_workflow_engine.dsl._uri import UriError
from maestro_workflow_engine.dsl._use import NO_COMPONENTS, Use
from maestro_workflow_engine.dsl._variables import Variables

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._lifecycle import Lifecycle

T = TypeVar("T")
Evaluate = Callable[[Expression, Any], Any]
NOTHING: Mapping[str, Any] = {}
_ROUNDS = 100
_REST = timedelta(milliseconds=1)
_NONE_YET: Any = object()


class _NotHereError(Exception):
    """An expression has to be evaluated elsewhere first."""

    def __init__(self, expression: Expression, heavy: HeavyExpressionError, at: tuple[int, int]) -> None:
        super().__init__(expression.text)
        self.expression = expression
        self.heavy = heavy
        self.at = at


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
    exporting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from reading the context until it is replaced: two branches that export lose nothing of each other's."""
    schemas: dict[str, Schema] = field(default_factory=dict)
    """Schemas from elsewhere that this run has got, by where they are named."""
    use: Use = NO_COMPONENTS
    """What the document defines once and refers to by name."""
    functions: Mapping[str, Task] = field(default_factory=dict)
    """The functions that the document defines."""
    extensions: Sequence[Extension] = ()
    """What runs around tasks."""
    fetched: dict[str, Task] = field(default_factory=dict)
    """Functions from elsewhere, by their text."""
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
        return Frame(self, task.reference, scope, raw, {"authorization": None}, task, raw, self.host.now())


@dataclass
class Frame:
    """One task while it runs."""

    shared: Run
    reference: str
    """JSON Pointer of the task; "/" for the workflow itself."""
    scope: Mapping[str, Any] = field(default_factory=dict)
    """What enclosing tasks bind, such as `item` in a loop."""
    input: Any = None
    """The transformed input, once the task itself runs; a `Sealed` where it holds secrets."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """The runtime expression arguments that only this task has, but for `$task`."""
    task: Task | None = None
    """The task; None for the workflow itself."""
    raw: Any = None
    """The raw input."""
    started: datetime | None = None
    """When the task started."""
    raw_output: Any = _NONE_YET
    """What the task itself gave, before `output.as`."""

    def described(self) -> dict[str, Any]:
        """Return the `$task` argument: the task's descriptor, as far as the task has got (DSL 1.0.3, "Task Descriptor")."""
        task, started = self.task, self.started
        assert task is not None  # the workflow itself has no `$task`
        assert started is not None
        descriptor = {
            "name": task.name,
            "reference": task.reference,
            "definition": task.definition,
            "input": self.raw,
            "startedAt": describe_time(started),
        }
        return descriptor if self.raw_output is _NONE_YET else {**descriptor, "output": self.raw_output}

    async def value_of(self, expression: Expression, data: Any, extra: Mapping[str, Any] = NOTHING) -> Any:
        """Evaluate an expression; one that may take long elsewhere, as a step, where it can be stopped.

        Args:
            expression: The expression.
            data: What `.` stands for.
            extra: Variables beside those in scope.

        Returns:
            Its value.

        Raises:
            TaskError: It failed, or was stopped: the standard error "expression".
        """
        try:
            return expression.evaluate_light(data, self.variables(extra))
        except HeavyExpressionError as heavy:
            return await self._evaluated_elsewhere(expression, heavy)
        except ExpressionError as error:
            raise self.error("expression", str(error)) from error

    async def is_met(self, condition: Expression, data: Any, extra: Mapping[str, Any] = NOTHING) -> bool:
        """Evaluate a condition as `value_of` does; as in jq, only false and null do not hold."""
        value = await self.value_of(condition, data, extra)
        return value is not None and value is not False

    async def filled(self, template: Template, data: Any, extra: Mapping[str, Any] = NOTHING) -> Any:
        """Fill in a template, its expressions evaluated as `value_of` does.

        Args:
            template: The template.
            data: What `.` stands for in its expressions.
            extra: Variables beside those in scope.

        Returns:
            The value.

        Raises:
            TaskError: An expression in it failed.
        """
        value, variables = template.value, self.variables(extra)
        try:
            if isinstance(value, Expression):
                return value.evaluate_light(data, variables)
            return template.fill(lambda each: each.evaluate_light(data, variables))
        except HeavyExpressionError:
            return await self.settled(lambda evaluate: template.fill(lambda each: evaluate(each, data)), extra)
        except ExpressionError as error:
            raise self.error("expression", str(error)) from error

    async def settled(self, make: Callable[[Evaluate], T], extra: Mapping[str, Any] = NOTHING) -> T:
        """Make something that needs the values of expressions, each evaluated as `value_of` does.

        Args:
            make: Makes it with a function that evaluates an expression on data. It is called again, with more of them known,
                whenever one has to be evaluated elsewhere.
            extra: Variables beside those in scope.

        Returns:
            What was made.

        Raises:
            TaskError: An expression failed.
        """
        variables = self.variables(extra)
        known: dict[tuple[int, int], Any] = {}

        def evaluate(expression: Expression, data: Any) -> Any:
            at = id(expression), id(data)
            if at in known:
                return known[at]
            try:
                return expression.evaluate_light(data, variables)
            except HeavyExpressionError as heavy:
                raise _NotHereError(expression, heavy, at) from heavy

        while True:
            try:
                return make(evaluate)
            except _NotHereError as found:
                known[found.at] = await self._evaluated_elsewhere(found.expression, found.heavy)
            except ExpressionError as error:
                raise self.error("expression", str(error)) from error

    async def duration_of(self, duration: Duration, data: Any, extra: Mapping[str, Any] = NOTHING) -> timedelta:
        """Resolve a duration, its expression evaluated as `value_of` does.

        Args:
            duration: The duration.
            data: What `.` stands for in its expression.
            extra: Variables beside those in scope.

        Returns:
            The duration.

        Raises:
            TaskError: Its expression failed or gave no duration.
        """
        if isinstance(duration, timedelta):
            return duration
        value = await self.value_of(duration, data, extra)
        try:
            return resolve_duration(duration, lambda _: value)
        except DurationError as error:
            raise self.error("expression", str(error)) from error

    async def _evaluated_elsewhere(self, expression: Expression, heavy: HeavyExpressionError) -> Any:
        try:
            if "secrets" in heavy.program.variables:  # what a step is given is kept, and secrets are not to be
                return expression.only(heavy.program.first_two_unguarded(heavy.text))
            outcome = await self.shared.resolver.expression(ExpressionCall(heavy.program.source, heavy.text))
            if outcome.problem is not None:
                return expression.failed(outcome.problem)
            return expression.only(read_results(outcome.results))
        except (JqError, ExpressionError, PayloadError) as error:
            raise self.error("expression", str(error)) from error

    def variables(self, extra: Mapping[str, Any] = NOTHING) -> Mapping[str, Any]:
        """Return the value of every variable that is in scope, and of further ones."""
        return Variables(self, extra)

    async def sealed(self, template: Template, data: Any) -> Sealed:
        """Fill in a template, but for what only a step may know.

        Args:
            template: The template.
            data: What `.` stands for in its expressions; a `Sealed` leaves all of them to the step.

        Returns:
            The value, and what is missing in it.

        Raises:
            TaskError: An expression in it failed.
        """
        try:
            return await self.settled(lambda evaluate: seal(template, data, evaluate, self.variables()))
        except UriError as error:
            raise self.error("expression", str(error)) from error

    def named(self, names: Collection[str]) -> dict[str, Any]:
        """Return those variables in scope that are named, for an expression that a step evaluates."""
        variables = self.variables()
        return {name: variables[name] for name in variables if name in names}

    def with_variables(self, bound: Mapping[str, Any]) -> Frame:
        """Return a frame for the same task with more variables in scope."""
        return replace(self, scope={**self.scope, **bound}, arguments=dict(self.arguments))

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

    async def run_function(self, function: Task, data: Any) -> Any:
        """Run a function: a task that sees none of the variables around its caller.

        Args:
            function: The function.
            data: Its raw input.

        Returns:
            Its transformed output.
        """
        scope = {INSIDE: True} if INSIDE in self.scope else NOTHING
        return (await _sequence.run_task(self.shared, function, data, scope)).output
