"""Noticing that the service is about to stop: WebSockets are told to come back elsewhere, and hold nothing up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from maestro_core_api import MaestroAPI

_LOOK_EVERY_S: Final = 0.1


@asynccontextmanager
async def noticed(app: MaestroAPI) -> AsyncIterator[asyncio.Event]:
    """Watch an application while the block runs.

    Args:
        app: The application.

    Yields:
        Set once it is about to stop.
    """
    stopping = asyncio.Event()

    async def watch() -> None:
        while not app.is_draining:  # noqa: ASYNC110 - the application has a word for it, and no event
            await asyncio.sleep(_LOOK_EVERY_S)
        stopping.set()

    task = asyncio.create_task(watch(), name="stopping")
    try:
        yield stopping
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
