"""The requests that are being answered, so that a stopping service can end them."""

import asyncio
from typing import Any


class InFlight:
    """Tasks of running requests.

    Event streams are kept apart: they end only when somebody hangs up, so a stopping service ends them at once
    instead of waiting for them.
    """

    def __init__(self) -> None:
        self._requests: set[asyncio.Task[Any]] = set()
        self._streams: set[asyncio.Task[Any]] = set()
        self._ended: set[asyncio.Task[Any]] = set()

    def enter(self) -> asyncio.Task[Any]:
        """Note that the running task answers a request.

        Returns:
            The task, to be handed back to `leave`.
        """
        task = asyncio.current_task()
        assert task is not None
        self._requests.add(task)
        return task

    def leave(self, task: asyncio.Task[Any]) -> None:
        """Note that a task is done with its request.

        Args:
            task: What `enter` returned.
        """
        self._requests.discard(task)
        self._streams.discard(task)
        self._ended.discard(task)

    def mark_stream(self, task: asyncio.Task[Any]) -> None:
        """Note that a task sends an event stream.

        Args:
            task: What `enter` returned.
        """
        self._streams.add(task)

    def end_streams(self) -> None:
        """Cancel the event streams."""
        self._end(self._streams)

    def end_all(self) -> int:
        """Cancel whatever is still running.

        Returns:
            How many requests were cancelled.
        """
        return self._end(self._requests)

    def was_ended(self) -> bool:
        """Tell whether the running task was cancelled from here, and not by whoever called it."""
        return asyncio.current_task() in self._ended

    def _end(self, tasks: set[asyncio.Task[Any]]) -> int:
        ending = tasks - self._ended
        self._ended |= ending
        for task in ending:
            task.cancel()
        return len(ending)
