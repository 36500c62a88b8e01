"""A stream of portions, with a beat wherever nothing came for a while."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


async def with_beats(portions: AsyncIterator[T], beat: timedelta) -> AsyncGenerator[T | None]:
    """Pass portions on.

    Args:
        portions: The portions; closed at the end.
        beat: The longest silence.

    Yields:
        The portions, and None after each silence of that length.
    """
    pending: asyncio.Task[T] | None = None
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(portions))
            done, _ = await asyncio.wait({pending}, timeout=beat.total_seconds())
            if not done:
                yield None
                continue
            finished, pending = pending, None
            try:
                portion = finished.result()
            except StopAsyncIteration:
                return
            yield portion
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        close = getattr(portions, "aclose", None)
        if close is not None:
            await close()
