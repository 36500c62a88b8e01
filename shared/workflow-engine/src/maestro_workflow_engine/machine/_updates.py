"""Updates: requests from outside that a workflow validates, handles and answers."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine._errors import PayloadError, UpdateRejectedError, WorkflowDefinitionError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine._commands import AnswerUpdate
from maestro_workflow_engine.machine._current import MachineLoop


@dataclass(frozen=True, slots=True)
class _Handler:
    handle: Callable[[Any], Awaitable[Any]]
    validate: Callable[[Any], object] | None
    type: Any
    context: contextvars.Context


class Updates:
    """The handlers a workflow has set, the requests under way, and the answers that are not on disk yet."""

    def __init__(self, loop: MachineLoop) -> None:
        self._loop = loop
        self._handlers: dict[str, _Handler] = {}
        self._open: dict[str, str] = {}
        self._unconfirmed: dict[str, AnswerUpdate] = {}

    @property
    def unconfirmed(self) -> list[AnswerUpdate]:
        """Answers that have been given and not been journalled."""
        return list(self._unconfirmed.values())

    def set_handler(
        self, name: str, handle: Callable[[Any], Awaitable[Any]], validate: Callable[[Any], object] | None, type_: Any
    ) -> None:
        """Answer requests of a name from now on."""
        if not asyncio.iscoroutinefunction(handle):
            raise WorkflowDefinitionError(f"the handler of update {name!r} must be declared with 'async def'")
        self._handlers[name] = _Handler(handle, validate, type_, contextvars.copy_context())

    def request(self, run_id: str, update_id: str, name: str, payload: msgspec.Raw) -> None:
        """Take a request; it is answered by a command, now or later."""
        if update_id in self._open or update_id in self._unconfirmed:
            return
        handler = self._handlers.get(name)
        if handler is None:
            there = ", ".join(sorted(self._handlers)) or "none"
            error = UpdateRejectedError(run_id, name, f"the workflow handles no such update; it handles {there}")
            self._answer(AnswerUpdate(update_id, None, describe(error)))
            return
        self._open[update_id] = name
        # The context is that of the workflow where it set the handler, as for asyncio's callbacks: the runner's differs in a replay.
        work = self._run(run_id, update_id, name, handler, payload)
        self._loop.create_task(work, name=f"update {name}", context=handler.context.copy())

    def confirm(self, update_id: str) -> None:
        """An answer is on disk."""
        self._unconfirmed.pop(update_id, None)

    def abandon(self, run_id: str) -> list[AnswerUpdate]:
        """Reject what is still under way: the run ends.

        Returns:
            The rejections.
        """
        rejections = [
            AnswerUpdate(
                update_id, None, describe(UpdateRejectedError(run_id, name, "the run ended before it was answered"))
            )
            for update_id, name in self._open.items()
        ]
        self._open.clear()
        return rejections

    async def _run(self, run_id: str, update_id: str, name: str, handler: _Handler, payload: msgspec.Raw) -> None:
        try:
            value = _decoded(run_id, name, payload, handler.type)
            if handler.validate is not None:
                handler.validate(value)
            answer = AnswerUpdate(update_id, _payload.encode(await handler.handle(value)), None)
        except Exception as error:  # noqa: BLE001  what validator and handler raise is the answer
            answer = AnswerUpdate(update_id, None, describe(error))
        if self._open.pop(update_id, None) is not None:
            self._answer(answer)

    def _answer(self, answer: AnswerUpdate) -> None:
        self._unconfirmed[answer.update_id] = answer
        self._loop.machine._command(answer)


def _decoded(run_id: str, name: str, payload: msgspec.Raw, type_: Any) -> Any:
    try:
        return _payload.decode(payload, type_)
    except PayloadError as error:
        raise UpdateRejectedError(run_id, name, f"the payload {error}") from error
