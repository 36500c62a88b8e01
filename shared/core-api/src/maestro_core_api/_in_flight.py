"""The requests that are being answered, so that a stopping service can end them."""

import asyncio
from datetime import timedelta
from typing import Any


class InFlight:
    """Tasks of running requests.

    Event streams are kept apart: they end only when somebody hangs up, so a stopping service ends them at once
    instead of waiting for them.
    """

    def __init__(self) -> None:
        self._requests: set[asyncio.Task[Any]] = set()
        self._streams: set[asyncio.Task[Any]] = set()

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

    def mark_stream(self, task: asyncio.Task[Any]) -> None:
        """Note that a task sends an event stream.

        Args:
            task: What `enter` returned.
        """
        self._streams.add(task)

    def end_streams(self) -> None:
        """Cancel the event streams."""
        _cancel(self._streams)

    def end_all(self) -> int:
        """Cancel whatever is still running.

        Returns:
            How many requests were cancelled.
        """
        return _cancel(self._requests)

    async def drain(self, grace: timedelta) -> None:
        """Wait until no request is running, and cancel those that take too long.

        A server waits for the requests whose callers are still there. Those whose callers hung up are still running
        too, and must not see the service's resources closed under them.

        Args:
            grace: How long to wait before cancelling.
        """
        loop = asyncio.get_running_loop()
        running = {task for task in self._requests if task.get_loop() is loop}
        if running:
            _, late = await asyncio.wait(running, timeout=grace.total_seconds())
            _cancel(late)
            await asyncio.gather(*late, return_exceptions=True)


def _cancel(tasks: set[asyncio.Task[Any]]) -> int:
    cancelled = tuple(tasks)
    for task in cancelled:
        task.cancel()
    return len(cancelled)
