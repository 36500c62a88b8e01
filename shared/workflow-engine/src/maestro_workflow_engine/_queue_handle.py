"""A handle on a queue."""

from __future__ import annotations

from maestro_workflow_engine._queue_keeper import QueueInfo
from maestro_workflow_engine._runner import Runner


class QueueHandle:
    """Refers to one queue by its name; it holds no resources.

    Attributes:
        name: The queue's name.
    """

    def __init__(self, runner: Runner, name: str) -> None:
        self.name = name
        self._runner = runner

    async def describe(self) -> QueueInfo:
        """Return the queue as it stands: who runs, who waits, and how long.

        Raises:
            QueueNotFoundError: It is not declared and nothing waits in it.
        """
        return self._runner.queues.describe(self.name)

    async def pause(self, note: str = "") -> None:
        """Let nothing begin until the queue is resumed; runs that have begun go on. It stays paused over a restart.

        Args:
            note: Why; shown in `describe()`.

        Raises:
            QueueNotFoundError: It is not declared.
            JournalWriteError: It cannot be kept at the moment; the queue goes on.
        """
        await self._runner.queues.pause(self.name, note)

    async def resume(self) -> None:
        """Let runs begin again; a queue that is not paused stays as it is.

        Raises:
            QueueNotFoundError: It is not declared.
            JournalWriteError: It cannot be kept at the moment; the queue stays paused.
        """
        await self._runner.queues.resume(self.name)

    def __repr__(self) -> str:
        return f"<queue {self.name}>"
