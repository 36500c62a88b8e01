"""Telling those who wait for something of a run that it is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Watchers:
    """One asyncio.Event per follower, by run key."""

    def __init__(self) -> None:
        self._events: dict[int, set[asyncio.Event]] = {}

    @contextmanager
    def follow(self, key: int) -> Iterator[asyncio.Event]:
        """Return an event that is set at every notice; clear it before reading."""
        event = asyncio.Event()
        self._events.setdefault(key, set()).add(event)
        try:
            yield event
        finally:
            followers = self._events[key]
            followers.discard(event)
            if not followers:
                del self._events[key]

    def notify(self, key: int) -> None:
        """Wake the followers of a run."""
        for event in self._events.get(key, ()):
            event.set()

    def notify_all(self) -> None:
        """Wake every follower: the engine closes."""
        for key in list(self._events):
            self.notify(key)
