"""Work that is done again and again beside the requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta


@asynccontextmanager
async def repeated(
    work: Callable[[], Awaitable[None]],
    *,
    every: timedelta,
    name: str,
    at_once: bool = True,
    woken: asyncio.Event | None = None,
    breaks_off: bool = False,
) -> AsyncIterator[None]:
    """Do something now and then while a block runs.

    At the end of the block work that is under way is waited for: a statement that is broken off leaves its connection unusable.

    Args:
        work: What to do; it handles its own errors.
        every: The pause between two times; zero does it once.
        name: Of the task.
        at_once: Whether to begin with the work, and not with the pause.
        woken: Ends a pause early when it is set; cleared before each time. For this work alone.
        breaks_off: Whether work that is under way at the end of the block is broken off: it may wait for others for long.
    """
    wake = asyncio.Event() if woken is None else woken
    is_over = False

    async def keep_working() -> None:
        if at_once:
            wake.clear()
            await work()
        while every:
            with suppress(TimeoutError):
                async with asyncio.timeout(every.total_seconds()):
                    await wake.wait()
            if is_over:
                return
            wake.clear()
            await work()

    task = asyncio.create_task(keep_working(), name=name)
    try:
        yield
    finally:
        is_over = True
        wake.set()
        if not breaks_off:
            await task
        else:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
