"""How a process reaches the hub: what is said at the same time goes in one update."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass

import msgspec
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from maestro_workflow_engine._errors import ClusterUnreachableError, EngineClosedError
from maestro_workflow_engine.temporal._calls import check_reached
from maestro_workflow_engine.temporal._wire import json_of, packed, raw
from maestro_workflow_engine.temporal.events._wire import BUSY, HUB, TAKE, Answer, Batch, Listens, Message, hub_of

_MOST = 200
_BATCH_BYTES = 500_000
_AGAIN_FIRST_S = 0.02
_AGAIN_LONGEST_S = 1.0
_PATIENCE_S = 30.0
_TOO_LATE = "AcceptedUpdateCompletedWorkflow"
_CROWDED = (RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.ABORTED, RPCStatusCode.FAILED_PRECONDITION)


@dataclass(slots=True)
class _Letter:
    message: Message
    answer: asyncio.Future[Answer]


class HubClient:
    """Speaks to the hub of a task queue, which begins when somebody has something to say to it.

    Args:
        client: The cluster.
        task_queue: The task queue of the runs.
        target: Host and port, for errors.
        has_store: Whether payloads of any size can be kept.
    """

    def __init__(self, client: Client, task_queue: str, target: str, *, has_store: bool) -> None:
        self._client = client
        self._hub = hub_of(task_queue)
        self._target = target
        self._has_store = has_store
        self._waiting: list[_Letter] = []
        self._work: asyncio.Task[None] | None = None
        self._is_closed = False

    async def tell(self, message: Message) -> Answer:
        """Say something; returns once it is kept what it means.

        Raises:
            ClusterUnreachableError: The cluster does not answer.
            EngineClosedError: The engine closed before it had answered.
            PayloadError: It is too large to be kept.
        """
        if self._is_closed:
            raise EngineClosedError("the engine is closed")
        letter = _Letter(message, asyncio.get_running_loop().create_future())
        self._waiting.append(letter)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._send(), name="event hub")
        return await letter.answer

    async def close(self) -> None:
        """Say nothing more."""
        self._is_closed = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        for letter in self._waiting:
            _refuse(letter, EngineClosedError("the engine closed before the event was kept"))

    async def _send(self) -> None:
        await asyncio.sleep(0)  # what others say in this moment goes along
        while self._waiting:
            letters = self._taken()
            try:
                answers = await self._answers(tuple(letter.message for letter in letters))
            except asyncio.CancelledError:
                for letter in letters:
                    _refuse(letter, EngineClosedError("the engine closed before the event was kept"))
                raise
            except Exception as error:  # noqa: BLE001  whatever it is, those who wait are told
                for letter in letters:
                    _refuse(letter, error)
                continue
            for letter, answer in zip(letters, answers, strict=True):
                if not letter.answer.done():
                    letter.answer.set_result(answer)

    def _taken(self) -> list[_Letter]:
        size = count = 0
        for letter in self._waiting[:_MOST]:
            size += _size(letter.message)
            if count and size > _BATCH_BYTES:
                break
            count += 1
        letters, self._waiting = self._waiting[:count], self._waiting[count:]
        return letters

    async def _answers(self, messages: tuple[Message, ...]) -> list[Answer]:
        batch, name, delay = packed(Batch(messages, self._has_store)), uuid.uuid4().hex, _AGAIN_FIRST_S
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                answer: RawValue = await self._client.get_workflow_handle(self._hub).execute_update(
                    TAKE, batch, id=name, result_type=RawValue
                )
                return msgspec.json.decode(bytes(json_of([answer])), type=list[Answer])
            except WorkflowUpdateFailedError as error:
                cause = error.cause
                if not (isinstance(cause, ApplicationError) and cause.type in (BUSY, _TOO_LATE)):
                    raise
            except WorkflowUpdateRPCTimeoutOrCancelledError as error:
                raise ClusterUnreachableError(self._target, str(error)) from error
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:  # it has not begun, or begins anew just now
                    await self._open()
                elif error.status not in _CROWDED:
                    check_reached(error, self._target)
                    raise
            if asyncio.get_running_loop().time() > deadline:
                raise ClusterUnreachableError(self._target, "the event hub takes nothing at the moment")
            await asyncio.sleep(delay)
            delay = min(delay * 2, _AGAIN_LONGEST_S)

    async def _open(self) -> None:
        """Let the hub begin, unless it has."""
        try:
            await self._client.start_workflow(
                HUB,
                raw(b"null"),
                id=self._hub,
                task_queue=self._hub,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except RPCError as error:
            check_reached(error, self._target)
            raise


def _refuse(letter: _Letter, error: Exception) -> None:
    if not letter.answer.done():
        letter.answer.set_exception(error)
        letter.answer.exception()  # nobody may wait any more


def _size(message: Message) -> int:
    match message:
        case Listens():
            return len(bytes(message.filters))
        case _:
            return len(bytes(getattr(message, "event", b"")))
