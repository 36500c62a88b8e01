"""A worker at work, in a task of its own."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from temporalio.worker import Worker


class Work:
    """Keeps a worker going while the block runs.

    Entered by itself a worker whose cluster turns it away cancels the task that entered it, which here is whoever opened the
    engine. In a task of its own it only stops, and says why.

    Args:
        worker: The worker, not started yet.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._worker.run(), name="temporal-worker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        await self._worker.shutdown()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # read it, or asyncio complains

    @property
    def failure(self) -> str | None:
        """Why the worker has stopped by itself; None while it works."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        error = self._task.exception()
        return None if error is None else f"its worker has stopped: {error}"
