"""Long waits for the cluster, which end when the engine closes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from maestro_workflow_engine._errors import EngineClosedError

T = TypeVar("T")


class Waits:
    """The waits of one open engine. Made on its event loop."""

    def __init__(self) -> None:
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """End every wait."""
        if not self._closed.done():
            self._closed.set_result(None)

    async def until(self, call: Coroutine[Any, Any, T]) -> T:
        """Wait for a call to the cluster.

        Raises:
            EngineClosedError: The engine closed first.
        """
        task = asyncio.create_task(call)
        try:
            either: set[asyncio.Future[Any]] = {task, self._closed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise EngineClosedError("the engine closed while its answer was waited for; ask the next one")
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
                if not task.cancelled():
                    task.exception()  # read it, or asyncio complains
