"""Text that stands elsewhere: the source of a script, a schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maestro_workflow_engine.dsl._endpoints import parse_resource
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._frame import Frame
    from maestro_workflow_engine.dsl._use import Use


@dataclass(frozen=True)
class TextResource:
    """An external resource that is read as text, when it is needed."""

    arguments: Template
    """What the step that fetches it takes: its endpoint."""

    async def fetch(self, frame: Frame) -> str:
        """Get the text, as a durable step: a replay sees the same text, whatever stands there by then.

        Args:
            frame: The task that needs it.

        Returns:
            The text, read as UTF-8.

        Raises:
            TaskError: It cannot be had, or is no text: the standard error "communication".
        """
        from maestro_workflow_engine.dsl.tasks._call_protocol import perform  # noqa: PLC0415  tasks know frames, and these schemas

        shown = frame.arguments.get("authorization")
        try:
            return str(await perform(frame, "resource", self.arguments))
        finally:
            frame.arguments["authorization"] = shown  # that of the task's own call


def parse_text_resource(node: Node, use: Use, scope: frozenset[str]) -> TextResource:
    """Read an external resource (DSL 1.0.3, "External Resource").

    Args:
        node: The resource.
        use: Knows the authentications that it may name.
        scope: The variables its expressions may use.

    Returns:
        The resource.
    """
    return TextResource(Template({"endpoint": parse_resource(node, scope, use)}))
