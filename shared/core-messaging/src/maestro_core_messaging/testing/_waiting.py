"""Waiting for something that can be observed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta


async def eventually(
    holds: Callable[[], object],
    *,
    within: timedelta = timedelta(seconds=30),
    every: timedelta = timedelta(milliseconds=10),
) -> None:
    """Wait until something holds.

    Args:
        holds: Looks whether it does.
        within: A generous limit.
        every: How often to look.

    Raises:
        AssertionError: It does not, within the limit.
    """
    try:
        async with asyncio.timeout(within.total_seconds()):
            while not holds():  # noqa: ASYNC110  # whatever it is, it has no event to wait for
                await asyncio.sleep(every.total_seconds())
    except TimeoutError:
        raise AssertionError(f"not within {within.total_seconds():g} s") from None
