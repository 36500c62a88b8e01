"""A reason for which virtual time does not move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Hold:
    """Keeps time from moving until it is released.

    Args:
        holds: The holds in force; this one enters and leaves it.
        reason: What time stands still for.
        on_change: Called when time may move again.
    """

    def __init__(self, holds: set[Hold], reason: str, on_change: Callable[[], None]) -> None:
        self.reason = reason
        self._holds = holds
        self._on_change = on_change
        self._pauses = 0
        self._released = False
        holds.add(self)

    def release(self) -> None:
        """Let time move for good."""
        self._released = True
        self._holds.discard(self)
        self._on_change()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Let time move within the block. Several tasks of one piece of work may be in such a block at once."""
        self._pauses += 1
        self._holds.discard(self)
        self._on_change()
        try:
            yield
        finally:
            self._pauses -= 1
            if not self._pauses and not self._released:
                self._holds.add(self)
