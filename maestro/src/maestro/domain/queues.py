"""Queues: what callers may ask of the engine about them."""

from __future__ import annotations

from maestro_workflow_engine import QueueInfo, WorkflowEngine


class Queues:
    """The queues of a running orchestrator.

    Args:
        engine: Runs the workflows; open.
    """

    def __init__(self, engine: WorkflowEngine) -> None:
        self._engine = engine

    async def listing(self) -> list[QueueInfo]:
        """Return every queue as it stands, by name."""
        return await self._engine.queues()

    async def get(self, name: str) -> QueueInfo:
        """Return a queue as it stands.

        Raises:
            QueueNotFoundError: It is not declared and nothing waits in it.
        """
        return await self._engine.queue(name).describe()

    async def pause(self, name: str, reason: str) -> QueueInfo:
        """Let nothing begin until the queue is resumed; returns once that is kept.

        Raises:
            QueueNotFoundError: It is not declared.
            WorkflowError: The engine refuses: see `QueueHandle.pause`.
        """
        await self._engine.queue(name).pause(reason)
        return await self.get(name)

    async def resume(self, name: str) -> QueueInfo:
        """Let runs begin again; returns once that is kept.

        Raises:
            QueueNotFoundError: It is not declared.
            WorkflowError: The engine refuses: see `QueueHandle.resume`.
        """
        await self._engine.queue(name).resume()
        return await self.get(name)
