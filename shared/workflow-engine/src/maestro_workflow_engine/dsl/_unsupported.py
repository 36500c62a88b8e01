"""Tasks that the specification knows and the engine does not run yet: refused when the document is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maestro_workflow_engine.dsl._model import Outcome
from maestro_workflow_engine.dsl._node import Node

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._frame import Frame


class Unsupported:
    """The body of a task that is never run, because its document is never loaded."""

    async def run(self, frame: Frame) -> Outcome:
        """Fail: reaching this means that a fault was ignored."""
        raise frame.error("runtime", "this kind of task is not supported yet")


def refuse(node: Node, what: str) -> Unsupported:
    """Note that a task is not supported yet.

    Args:
        node: The field that makes it this kind of task.
        what: The kind, for the message.

    Returns:
        A body that fails.
    """
    node.unsupported(what)
    return Unsupported()
