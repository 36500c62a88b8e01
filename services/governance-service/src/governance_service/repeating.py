"""Work that is done again and again beside the requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta


@asynccontextmanager
async def repeated(
    work: Callable[[], Awaitable[None]], *, every: timedelta, name: str, at_once: bool = True
) -> AsyncIterator[None]:
    """Do something now and then while a block runs.

    At the end of the block work that is under way is waited for: a statement that is broken off leaves its connection unusable.

    Args:
        work: What to do; it handles its own errors.
        every: The pause between two times; zero does it once.
        name: Of the task.
        at_once: Whether to begin with the work, and not with the pause.
    """
    stop = asyncio.Event()

    async def keep_working() -> None:
        if at_once:
            await work()
        while every and not await _is_set_within(stop, every):
            await work()

    task = asyncio.create_task(keep_working(), name=name)
    try:
        yield
    finally:
        stop.set()
        await task


async def _is_set_within(event: asyncio.Event, time: timedelta) -> bool:
    try:
        async with asyncio.timeout(time.total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    return True
