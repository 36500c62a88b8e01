"""A task that runs for as long as a block does."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from maestro_core_logging import get_logger

_logger = get_logger(__name__)


@asynccontextmanager
async def running_task(work: Coroutine[Any, Any, None], *, name: str) -> AsyncIterator[None]:
    """Do something while the block runs, and cancel it at its end.

    An error that ends the work early is logged at once, as critical, and raised at the end of the block: without that, what a
    service does by itself would be missed by nobody until its stop.

    Args:
        work: What to do, until it is cancelled.
        name: Name of the task.

    Yields:
        Nothing.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _logger.critical("Work beside the requests has ended by an error", task=task.get_name(), exc_info=error)
