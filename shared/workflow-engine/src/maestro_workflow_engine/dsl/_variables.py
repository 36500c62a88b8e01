"""The variables that a task's expressions see, each looked up when one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._frame import Frame


class Variables(Mapping[str, Any]):
    """The variables in scope of a task, by name without `$`; the context is the one there was when this was made."""

    __slots__ = ("_context", "_extra", "_frame")

    def __init__(self, frame: Frame, extra: Mapping[str, Any]) -> None:
        """Look at a task's variables.

        Args:
            frame: The task.
            extra: Variables beside those in scope; they come first.
        """
        self._frame = frame
        self._extra = extra
        self._context = frame.shared.context

    def __getitem__(self, name: str) -> Any:
        frame = self._frame
        if name in self._extra:
            return self._extra[name]
        if name in frame.scope:
            return frame.scope[name]
        if name in frame.arguments:
            return frame.arguments[name]
        if name == "context":
            return self._context
        if name == "workflow":
            return frame.shared.workflow
        if name == "runtime":
            return frame.shared.runtime
        if name == "task" and frame.task is not None:
            return frame.described()
        raise KeyError(name)

    def _names(self) -> dict[str, None]:
        frame = self._frame
        own = ("workflow", "runtime", "context") if frame.task is None else ("workflow", "runtime", "context", "task")
        return dict.fromkeys((*own, *frame.arguments, *frame.scope, *self._extra))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())
