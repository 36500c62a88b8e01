"""The order in which a task's parts are evaluated, and how tasks follow one another.

The order (DSL 1.0.3, "Data Flow"): `if` on the raw input, `input.schema`, `input.from`, the task itself, `output.as`,
`output.schema`, `export.as`, `export.schema`. A task whose `if` does not hold passes its raw input on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from maestro_workflow_engine.dsl._extensions import INSIDE, Extension, Injected
from maestro_workflow_engine.dsl._late import Sealed
from maestro_workflow_engine.dsl._model import (
    CONTINUE,
    END,
    EXIT,
    NO_TRANSFORMATION,
    Body,
    Outcome,
    Task,
    TaskList,
    Transformation,
)
from maestro_workflow_engine.dsl._schemas import Schema, SchemaResource

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
    return (await run_until_left(shared, tasks, data, scope))[0]


async def run_until_left(shared: Run, tasks: TaskList, data: Any, scope: Mapping[str, Any]) -> tuple[Any, bool]:
    """Run the tasks of a list, as `run_list` does, and tell whether a task left it by `exit`."""
    position = 0
    while position < len(tasks.tasks):
        task = tasks.tasks[position]
        data, then = await run_task(shared, task, data, scope)
        if then is None or then == CONTINUE:
            position += 1
        elif then == EXIT:
            return data, True
        elif then == END:
            raise WorkflowEnded(data)
        else:
            if tasks.positions[str(then)] <= position:
                await shared.go_back()
            position = tasks.positions[str(then)]
    return data, False


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
    if task.condition is not None and not await frame.is_met(task.condition, raw):
        return Outcome(raw, None)
    if shared.lifecycle is not None:
        return await shared.lifecycle.of_task(task.reference, _with_extensions(frame, task, raw))
    if shared.extensions or task.timeout is not None:
        return await _with_extensions(frame, task, raw)
    return await _transformed(frame, task, raw, task.body)


async def _with_extensions(frame: Frame, task: Task, raw: Any) -> Outcome:
    extensions = () if INSIDE in frame.scope else frame.shared.extensions
    applying = [each for each in extensions if await each.applies(frame, task, raw)]
    if applying:
        return await _extended(frame, task, raw, applying)
    return await _limited(frame, task, raw, task.body)


async def _extended(frame: Frame, task: Task, raw: Any, applying: list[Extension]) -> Outcome:
    """Run a task with what extends it.

    The tasks before and after see the extended task as `$task`. What they output is dropped, unless they leave their list
    by `exit`: before, that stands in for the task itself; after, for its output.
    """
    scope = {INSIDE: True, "task": frame.described()}
    body = task.body
    for extension in applying:
        injected, left = await run_until_left(frame.shared, extension.before, raw, scope)
        if left:
            body = Injected(injected)
            break
    outcome = await _limited(frame, task, raw, body)
    scope = {INSIDE: True, "task": frame.described()}
    for extension in applying:
        replaced, left = await run_until_left(frame.shared, extension.after, outcome.output, scope)
        if left:
            outcome = Outcome(replaced, outcome.then)
    return outcome


async def _limited(frame: Frame, task: Task, raw: Any, body: Body) -> Outcome:
    if task.timeout is None:
        return await _transformed(frame, task, raw, body)
    limit = await frame.duration_of(task.timeout, raw)
    return await within(limit, _transformed(frame, task, raw, body), frame)


async def _transformed(frame: Frame, task: Task, raw: Any, body: Body) -> Outcome:
    if task.input is not NO_TRANSFORMATION:
        frame.input = await transform_input(frame, task.input, raw)
    # Text that a secret went into stays in the step; what comes after the call has no `$input` then.
    frame.arguments["input"] = None if isinstance(frame.input, Sealed) else frame.input
    output, then = await body.run(frame)
    frame.raw_output = output
    if task.output is not NO_TRANSFORMATION:
        output = await transform_output(frame, task.output, output, "output")
    frame.arguments["output"] = output
    if task.export is not NO_TRANSFORMATION:
        await export_context(frame, task.export, output)
    return Outcome(output, task.then if then is None else then)


async def export_context(frame: Frame, export: Transformation, output: Any) -> None:
    """Replace the context by what is exported; two branches that export at once lose nothing of each other's.

    Raises:
        TaskError: The transformation failed, or its result does not fit.
    """
    shared = frame.shared
    async with shared.exporting:
        data = shared.context if export.value is None else output
        shared.context = await transform_output(frame, export, data, "exported context")


async def transform_input(frame: Frame, transformation: Transformation, raw: Any) -> Any:
    """Check the raw input against its schema, then transform it.

    Raises:
        TaskError: It does not fit (the standard error "validation"), or the transformation failed.
    """
    if transformation.schema is not None:
        await _check(frame, transformation.schema, raw, "input")
    if transformation.value is None:
        return raw
    if transformation.is_confidential:
        return await frame.sealed(transformation.value, raw)
    return await frame.filled(transformation.value, raw)


async def transform_output(frame: Frame, transformation: Transformation, raw: Any, what: str) -> Any:
    """Transform an output, then check the result against its schema.

    Raises:
        TaskError: The transformation failed, or its result does not fit (the standard error "validation").
    """
    value = raw if transformation.value is None else await frame.filled(transformation.value, raw)
    if transformation.schema is not None:
        await _check(frame, transformation.schema, value, what)
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


async def _check(frame: Frame, schema: Schema | SchemaResource, value: Any, what: str) -> None:
    if isinstance(schema, SchemaResource):
        schema = await schema.fetch(frame)
    violations = schema.violations(value)
    if violations:
        raise frame.error("validation", f"the {what} does not fit its schema: {violations}")
