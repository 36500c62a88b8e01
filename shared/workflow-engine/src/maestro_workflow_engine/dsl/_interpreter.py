"""A document as a workflow function: the data flow around its tasks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from maestro_workflow_engine.dsl._frame import Frame, Run
from maestro_workflow_engine.dsl._host import EngineHost, Host
from maestro_workflow_engine.dsl._lifecycle import Lifecycle
from maestro_workflow_engine.dsl._resolver import StepResolver
from maestro_workflow_engine.dsl._sequence import WorkflowEnded, run_list, transform_input, transform_output, within
from maestro_workflow_engine.dsl._time import describe_time
from maestro_workflow_engine.dsl.tasks.emit import identity

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._document import WorkflowDocument


def interpreter(
    document: WorkflowDocument, resolver: StepResolver, *, lifecycle_events: bool = False
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Make the workflow function of a document.

    Args:
        document: The document.
        resolver: Finds the steps that it calls.
        lifecycle_events: Whether its runs tell what happens to them.

    Returns:
        An async function of one JSON value; its docstring's first line is the document's title.
    """

    async def run_document(payload: Any = None) -> Any:
        return await interpret(document, payload, resolver, EngineHost(), lifecycle_events=lifecycle_events)

    run_document.__doc__ = document.title or document.summary or document.qualified_name
    run_document.__name__ = document.name
    return run_document


async def interpret(
    document: WorkflowDocument, payload: Any, resolver: StepResolver, host: Host, *, lifecycle_events: bool = False
) -> Any:
    """Run a document.

    Args:
        document: The document.
        payload: The workflow's raw input.
        resolver: Finds the steps that it calls.
        host: Identity, clock, chance and events.
        lifecycle_events: Whether the run tells what happens to it.

    Returns:
        The workflow's transformed output.

    Raises:
        TaskError: A task raised an error and nothing caught it.
    """
    workflow = {
        "id": host.run_id,
        "definition": document.definition,
        "input": payload,
        "startedAt": describe_time(host.now()),
    }
    lifecycle = Lifecycle(host, document.definition, identity(document.definition)) if lifecycle_events else None
    shared = Run(
        host,
        resolver,
        workflow,
        _runtime(),
        use=document.use,
        functions=document.functions,
        extensions=document.extensions,
        lifecycle=lifecycle,
    )
    frame = Frame(shared, "/")
    work = _limited(document, payload, frame)
    return await (work if lifecycle is None else lifecycle.of_workflow(work))


async def _limited(document: WorkflowDocument, payload: Any, frame: Frame) -> Any:
    if document.timeout is None:
        return await _flow(document, payload, frame)
    limit = await frame.duration_of(document.timeout, payload)
    return await within(limit, _flow(document, payload, frame), frame)


async def _flow(document: WorkflowDocument, payload: Any, frame: Frame) -> Any:
    data = await transform_input(frame, document.input, payload)
    try:
        output = await run_list(frame.shared, document.tasks, data, {})
    except WorkflowEnded as ended:
        output = ended.output
    return await transform_output(frame, document.output, output, "output")


@cache
def _runtime() -> dict[str, Any]:
    return {"name": "maestro", "version": version("maestro-workflow-engine"), "metadata": {}}
