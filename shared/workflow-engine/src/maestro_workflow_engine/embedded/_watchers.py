"""Telling those who wait for something of a run that it is on disk: that it has grown, that it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from maestro_workflow_engine._errors import EngineClosedError
from maestro_workflow_engine.machine._events import Event, UpdateAnswered


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

    def is_followed(self, key: int) -> bool:
        """Tell whether somebody follows a run."""
        return key in self._events

    def notify(self, key: int) -> None:
        """Wake the followers of a run."""
        for event in self._events.get(key, ()):
            event.set()

    def notify_all(self) -> None:
        """Wake every follower: the engine closes."""
        for key in list(self._events):
            self.notify(key)


class Endings:
    """Hands a run's last event to those who wait for its result."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[asyncio.Future[Event]]] = {}

    async def wait(self, key: int) -> Event:
        """Return a run's last event, once it is on disk.

        Raises:
            EngineClosedError: The engine closed first.
        """
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(key, [])
        waiting.append(future)
        try:
            return await future
        finally:
            waiting.remove(future)
            if not waiting:
                self._waiting.pop(key, None)

    def resolve(self, key: int, event: Event) -> None:
        """Hand out a run's last event."""
        for future in self._waiting.pop(key, ()):
            if not future.done():
                future.set_result(event)

    def close(self) -> None:
        """Tell all who still wait that the engine closes; their runs go on at the next opening."""
        for key in list(self._waiting):
            for future in self._waiting[key]:
                if not future.done():
                    future.set_exception(
                        EngineClosedError("the engine closed while the run was under way; it goes on when it is opened")
                    )


class Answers:
    """Hands the answer to an update to those who wait for it, by run key and update id."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, str], list[asyncio.Future[UpdateAnswered]]] = {}

    def expect(self, key: int, update_id: str) -> asyncio.Future[UpdateAnswered]:
        """Return a future of the answer."""
        future: asyncio.Future[UpdateAnswered] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((key, update_id), []).append(future)
        return future

    def resolve(self, key: int, answer: UpdateAnswered) -> None:
        """Hand out an answer that is on disk."""
        for future in self._waiting.pop((key, answer.update_id), ()):
            if not future.done():
                future.set_result(answer)

    def fail(self, key: int, error: Exception) -> None:
        """Tell all who wait for an answer of a run that none will come."""
        for place in [place for place in self._waiting if place[0] == key]:
            for future in self._waiting.pop(place):
                if not future.done():
                    future.set_exception(error)

    def close(self) -> None:
        """Tell all who still wait that the engine closes; their updates are answered at the next opening."""
        for key in {key for key, _ in self._waiting}:
            self.fail(
                key, EngineClosedError("the engine closed before the update was answered; ask again with the same id")
            )
