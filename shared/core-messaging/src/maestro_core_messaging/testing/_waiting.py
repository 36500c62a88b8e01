"""Waiting for something that can be observed."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    look: Callable[[], T | Awaitable[T]],
    *,
    within: timedelta = timedelta(seconds=30),
    every: timedelta = timedelta(milliseconds=10),
) -> T:
    """Wait until something is true or not empty.

    Args:
        look: Looks at it; may be async.
        within: A generous limit.
        every: How often to look.

    Returns:
        What was found.

    Raises:
        AssertionError: It does not hold within the limit.
    """
    found: T | Awaitable[T] | None = None
    try:
        async with asyncio.timeout(within.total_seconds()):
            while True:
                found = look()
                value: T = await found if inspect.isawaitable(found) else found
                if value:
                    return value
                await asyncio.sleep(every.total_seconds())
    except TimeoutError:
        raise AssertionError(f"not within {within.total_seconds():g} s; last found: {found!r}") from None
