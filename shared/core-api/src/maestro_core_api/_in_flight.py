"""The requests that are being answered, so that they can be ended: at the stop, or when they take too long."""

import asyncio
from datetime import timedelta
from typing import Any

from ._exchange import Exchange


class InFlight:
    """Running requests, by the task that answers each.

    Event streams are apart: they end only when somebody hangs up, so a stopping service ends them at once instead of
    waiting for them.

    Attributes:
        draining: Whether the service is about to stop: answers then tell callers to close their connections.
    """

    def __init__(self) -> None:
        self._exchanges: dict[asyncio.Task[Any], Exchange] = {}
        self.draining = False

    def __len__(self) -> int:
        return len(self._exchanges)

    def enter(self, exchange: Exchange) -> asyncio.Task[Any]:
        """Note that the running task answers a request.

        Args:
            exchange: The request.

        Returns:
            The task, to be handed back to `leave`.
        """
        task = asyncio.current_task()
        assert task is not None
        exchange.task = task
        exchange.closing = self.draining
        self._exchanges[task] = exchange
        return task

    def leave(self, task: asyncio.Task[Any]) -> None:
        """Note that a task is done with its request.

        Args:
            task: What `enter` returned.
        """
        self._exchanges.pop(task, None)

    def here(self) -> list[Exchange]:
        """Return the requests that run in the event loop of the caller.

        Returns:
            The requests, oldest first.
        """
        loop = asyncio.get_running_loop()
        return [exchange for task, exchange in self._exchanges.items() if task.get_loop() is loop]

    def drain_connections(self) -> None:
        """Close each connection with the answer that is on its way, or the next one."""
        self.draining = True
        for exchange in self._exchanges.values():
            exchange.closing = True

    def end_streams(self) -> None:
        """Cancel the event streams."""
        _cancel([task for task, exchange in self._exchanges.items() if exchange.is_stream])

    def end_all(self) -> int:
        """Cancel whatever is still running.

        Returns:
            How many requests were cancelled.
        """
        return _cancel(list(self._exchanges))

    async def drain(self, grace: timedelta) -> None:
        """Wait until no request is running, and cancel those that take too long.

        A server waits for the requests whose callers are still there. Those whose callers hung up are still running
        too, and must not see the service's resources closed under them.

        Args:
            grace: How long to wait before cancelling.
        """
        loop = asyncio.get_running_loop()
        running = {task for task in self._exchanges if task.get_loop() is loop}
        if running:
            _, late = await asyncio.wait(running, timeout=grace.total_seconds())
            _cancel(list(late))
            await asyncio.gather(*late, return_exceptions=True)


def _cancel(tasks: list[asyncio.Task[Any]]) -> int:
    for task in tasks:
        task.cancel()
    return len(tasks)
