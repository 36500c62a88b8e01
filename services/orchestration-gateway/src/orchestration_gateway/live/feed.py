"""A feed: events with positions, the latest of which are in memory, and readers that each have their own place. No I/O.

Readers hold a position and no queue, so that a slow one costs nothing: it is left behind by what is kept, and told so.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

FROM_THE_START: Final = -1
"""The position before the first event."""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """Something that happened."""

    position: int
    """Where it stands in its feed; later ones have higher numbers."""
    type: str
    """What kind of thing it is."""
    data: str
    """What happened, as JSON on one line."""
    tenant: str | None = None
    """Whose it is, where a feed has those of several."""


class LaggedError(Exception):
    """A reader is behind what is kept.

    Attributes:
        oldest: The position of the oldest event that is kept.
    """

    def __init__(self, oldest: int) -> None:
        super().__init__(f"events before {oldest} are no longer kept")
        self.oldest = oldest


class Feed:
    """The latest events of something, for any number of readers.

    Args:
        keep: How many events are kept.
        start: The position behind which it begins; readers from before that are behind.
    """

    def __init__(self, keep: int, *, start: int = FROM_THE_START) -> None:
        self._events: deque[FeedEvent] = deque(maxlen=keep)
        self._base = start
        """The position of the latest event that is no longer kept."""
        self._news = asyncio.Event()
        self._is_over = False
        self._failure: Exception | None = None

    @property
    def last(self) -> int:
        """The position of the latest event."""
        return self._events[-1].position if self._events else self._base

    @property
    def oldest(self) -> int:
        """The position behind which everything is kept."""
        return self._base

    def add(self, event: FeedEvent) -> None:
        """Add an event; one that is not behind the latest is known already."""
        if event.position <= self.last:
            return
        if len(self._events) == self._events.maxlen:
            self._base = self._events[0].position
        self._events.append(event)
        self._tell()

    def end(self, failure: Exception | None = None) -> None:
        """Say that nothing more comes.

        Args:
            failure: Why; None: it is complete.
        """
        self._is_over, self._failure = True, failure
        self._tell()

    async def after(self, position: int) -> list[FeedEvent]:
        """Return what is behind a position, as soon as there is something.

        Args:
            position: The reader's place.

        Returns:
            The events; none when the feed is complete.

        Raises:
            LaggedError: What comes next is no longer kept.
            Exception: The feed ended with this.
        """
        while True:
            if position < self._base:
                raise LaggedError(self._base + 1)
            if position < self.last:
                return [event for event in self._events if event.position > position]
            if self._is_over:
                if self._failure is not None:
                    raise self._failure
                return []
            await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
