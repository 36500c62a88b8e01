"""A number that grows with every change, and those who wait for it to grow."""

import asyncio


class Ticker:
    """Counts changes and wakes those who wait for the next one.

    Attributes:
        position: How many changes there were.
    """

    def __init__(self) -> None:
        self.position = 0
        self._news = asyncio.Event()

    def tick(self) -> int:
        """Count a change.

        Returns:
            The new position.
        """
        self.position += 1
        news, self._news = self._news, asyncio.Event()
        news.set()
        return self.position

    async def wait(self, after: int) -> int:
        """Wait for a change.

        Args:
            after: The last position that is known to whoever asks.

        Returns:
            The present position, which is later.
        """
        while self.position <= after:
            await self._news.wait()
        return self.position
