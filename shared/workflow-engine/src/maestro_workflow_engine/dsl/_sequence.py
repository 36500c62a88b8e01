"""The order in which a task's parts are evaluated, and how tasks follow one another.

The order (DSL 1.0.3, "Data Flow"): `if` on the raw input, `input.schema`, `input.from`, the task itself, `output.as`,
`output.schema`, `export.as`, `export.schema`. A task whose `if` does not hold passes its raw input on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from maestro_workflow_engine.dsl._model import CONTINUE, END, EXIT, Outcome, Task, TaskList, Transformation

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._frame import Frame, Run

T = TypeVar("T")


class WorkflowEnded(Exception):  # noqa: N818  no error: `then: end` unwinds everything around it with this
    """A task said `then: end`.

    Attributes:
        output: The task's output, which becomes the workflow's.
    """

    def __init__(self, output: Any) -> None:
        super().__init__("then: end")
        self.output = output


async def run_list(shared: Run, tasks: TaskList, data: Any, scope: Mapping[str, Any]) -> Any:
    """Run the tasks of a list, as their directives say.

    Args:
        shared: The run.
        tasks: The list.
        data: The first task's raw input.
        scope: The variables that enclosing tasks bind.

    Returns:
        The output of the last task that ran; the input when there is none.

    Raises:
        TaskError: A task failed.
        WorkflowEnded: A task said `end`.
    """
    position = 0
    while position < len(tasks.tasks):
        task = tasks.tasks[position]
        data, then = await run_task(shared, task, data, scope)
        if then == EXIT:
            return data
        if then == END:
            raise WorkflowEnded(data)
        if then in {None, CONTINUE}:
            position += 1
        else:
            if tasks.positions[str(then)] <= position:
                await shared.go_back()
            position = tasks.positions[str(then)]
    return data


async def run_task(shared: Run, task: Task, raw: Any, scope: Mapping[str, Any]) -> Outcome:
    """Run one task.

    Args:
        shared: The run.
        task: The task.
        raw: Its raw input.
        scope: The variables that enclosing tasks bind.

    Returns:
        Its transformed output and where to go. A skipped task gives its raw input, and its `then` does not apply.

    Raises:
        TaskError: It failed.
        WorkflowEnded: It, or a task inside it, said `end`.
    """
    frame = shared.frame(task, raw, scope)
    if task.condition is not None and not frame.holds(task.condition, raw):
        return Outcome(raw, None)
    work = _transformed(frame, task, raw)
    if task.timeout is not None:
        try:
            limit = frame.duration(task.timeout, raw)
        except BaseException:
            work.close()
            raise
        work = within(limit, work, frame)
    return await (work if shared.lifecycle is None else shared.lifecycle.of_task(task.reference, work))


async def _transformed(frame: Frame, task: Task, raw: Any) -> Outcome:
    frame.input = transform_input(frame, task.input, raw)
    frame.arguments["input"] = frame.input
    output, then = await task.body.run(frame)
    frame.arguments["task"] = {**frame.arguments["task"], "output": output}
    output = transform_output(frame, task.output, output, "output")
    frame.arguments["output"] = output
    exported = frame.shared.context if task.export.value is None else output
    frame.shared.context = transform_output(frame, task.export, exported, "exported context")
    return Outcome(output, task.then if then is None else then)


def transform_input(frame: Frame, transformation: Transformation, raw: Any) -> Any:
    """Check the raw input against its schema, then transform it.

    Raises:
        TaskError: It does not fit (the standard error "validation"), or the transformation failed.
    """
    _check(frame, transformation, raw, "input")
    return raw if transformation.value is None else frame.fill(transformation.value, raw)


def transform_output(frame: Frame, transformation: Transformation, raw: Any, what: str) -> Any:
    """Transform an output, then check the result against its schema.

    Raises:
        TaskError: The transformation failed, or its result does not fit (the standard error "validation").
    """
    value = raw if transformation.value is None else frame.fill(transformation.value, raw)
    _check(frame, transformation, value, what)
    return value


async def within(limit: timedelta, work: Coroutine[Any, Any, T], frame: Frame) -> T:
    """Await something for a limited time.

    Raises:
        TaskError: The time ran out: the standard error "timeout".
    """
    try:
        async with asyncio.timeout(limit.total_seconds()) as scope:
            return await work
    except TimeoutError as error:
        if scope.expired():
            seconds = f"{limit.total_seconds():g} s"
            raise frame.error("timeout", f"did not end within {seconds}", title="Timeout") from error
        raise


def _check(frame: Frame, transformation: Transformation, value: Any, what: str) -> None:
    violations = transformation.schema.violations(value) if transformation.schema else None
    if violations:
        raise frame.error("validation", f"the {what} does not fit its schema: {violations}")
