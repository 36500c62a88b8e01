"""Functions that are kept elsewhere: reading their text."""

from __future__ import annotations

from maestro_workflow_engine.dsl._faults import DocumentError, Fault
from maestro_workflow_engine.dsl._model import Task
from maestro_workflow_engine.dsl._node import FaultLog, Node
from maestro_workflow_engine.dsl._source import read_source
from maestro_workflow_engine.dsl._use import Use


def read_function(name: str, text: str, use: Use) -> Task:
    """Read a function's definition: a task.

    Args:
        name: What the function is called.
        text: YAML or JSON.
        use: The reusable components of the document that calls it.

    Returns:
        The function.

    Raises:
        DocumentError: It is not right; all faults are listed.
    """
    from maestro_workflow_engine.dsl._parser import DocumentParser  # noqa: PLC0415  the parser knows the kinds of tasks

    source = read_source(text)
    log = FaultLog(source.places, source.faults)
    node = Node(source.data, "", log)
    task = DocumentParser(use).function(name, node)
    if log.faults or task is None:
        raise DocumentError(log.faults or [Fault("", "is no task")])
    return task
