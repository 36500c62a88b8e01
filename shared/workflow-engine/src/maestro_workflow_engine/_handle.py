"""A handle on a run."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from maestro_workflow_engine import _payload
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._records import HistoryEvent, RunDetail
from maestro_workflow_engine._runner import Reading, Runner

R = TypeVar("R")


class WorkflowHandle(Generic[R]):
    """Refers to one run by its id; it holds no resources.

    Attributes:
        id: The run's id.
    """

    def __init__(self, runner: Runner, run_id: str, definition: WorkflowDefinition[..., R] | None = None) -> None:
        self.id = run_id
        self._runner = runner
        self._definition = definition

    async def result(self, timeout: timedelta | None = None) -> R:
        """Wait for the run to end.

        Args:
            timeout: How long to wait. Default: for ever. The run goes on either way.

        Returns:
            What the workflow returned, of the type it declares; plain JSON values when the handle was made by id.

        Raises:
            TimeoutError: It has not ended in time.
            WorkflowFailedError: It failed.
            WorkflowCancelledError: It was cancelled.
            WorkflowNotFoundError: No such run.
            PayloadUnreadableError: The result cannot be read back.
            PayloadStoreError: The payload store cannot be reached.
        """
        async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
            raw = await self._runner.result(self.id)
        if self._definition is not None:
            return cast("R", self._definition.signature.decode_result(raw))
        return cast("R", _payload.decode(raw))

    async def status(self) -> RunDetail:
        """Return the run in full: status, input, output, failure, what it waits for.

        Raises:
            WorkflowNotFoundError: No such run.
            PayloadStoreError: The payload store cannot be reached. (What else cannot be read is the detail's `problem`.)
        """
        async with self._runner.at_hand(self.id, Reading.STATUS):
            return self._runner.detail(self.id)

    async def signal(self, name: str, payload: Any = None) -> None:
        """Send a signal; returns once it is kept.

        Args:
            name: What the workflow `receive`s.
            payload: Any JSON-like value or model.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowEndedError: The run has ended.
            PayloadError: The payload has no JSON form, or is too large for an engine without a payload store.
            JournalWriteError: It cannot be kept at the moment; it was not sent.
        """
        await self._runner.signal(self.id, name, _payload.encode(payload))

    async def cancel(self, reason: str = "") -> None:
        """Ask the run to stop: the workflow sees asyncio.CancelledError and may still clean up.

        Args:
            reason: Kept in the history.

        Raises:
            WorkflowNotFoundError: No such run.
            JournalWriteError: It cannot be kept at the moment; the run was not asked.
        """
        await self._runner.cancel(self.id, reason)

    async def query(self, key: str) -> Any:
        """Return what the workflow has published.

        Args:
            key: What it was published under.

        Returns:
            The value, as JSON.

        Raises:
            WorkflowNotFoundError: No such run.
            QueryNotFoundError: Nothing was published under this key.
            PayloadUnreadableError: A payload of the run cannot be read back.
            PayloadStoreError: The payload store cannot be reached.
        """
        async with self._runner.at_hand(self.id, Reading.QUERY):
            return _payload.decode(self._runner.query(self.id, key))

    async def history(self) -> list[HistoryEvent]:
        """Return everything that happened to the run, in order.

        Raises:
            WorkflowNotFoundError: No such run.
            PayloadUnreadableError: A payload cannot be read back.
            PayloadStoreError: The payload store cannot be reached.
        """
        async with self._runner.at_hand(self.id, Reading.HISTORY):
            return self._runner.history(self.id)

    def __repr__(self) -> str:
        return f"<run {self.id}>"
