"""A journal for tests: written on the event loop itself, without waiting for the disk, so that writes keep one order."""

from __future__ import annotations

import sqlite3

from maestro_workflow_engine._errors import EngineClosedError
from maestro_workflow_engine.embedded._hold import Hold
from maestro_workflow_engine.embedded._journal import Journal, Write
from maestro_workflow_engine.embedded._virtual_clock import VirtualClock

_RETRY_S = 0.05


class LoopJournal(Journal):
    """Commits what one turn of the event loop has gathered at the beginning of the next one.

    The writer thread of `Journal` decides by its speed which events share a commit, and so in which order the steps of
    different runs begin. A test must not depend on that. What a process loses when its machine loses power is no matter
    in a test either, so nothing waits for the disk.

    Args:
        path: The file.
        clock: Stands still while something is unwritten.
    """

    def __init__(self, path: str, clock: VirtualClock) -> None:
        self._clock = clock
        self._hold: Hold | None = None
        super().__init__(path)

    def _begin(self) -> None:
        self._connection.execute("PRAGMA synchronous = OFF")

    def submit(self, write: Write) -> None:
        """Queue a write for the next turn of the event loop.

        Raises:
            EngineClosedError: The journal is closed.
        """
        if self._closing:
            raise EngineClosedError("the engine is closed")
        self._queue.append(write)
        if self._hold is None:
            self._hold = self._clock.hold("the journal is being written")
            self._loop.call_soon(self._flush)

    async def close(self) -> None:
        """Write what is queued and stop. What the disk refuses is given up."""
        self._closing = True
        self._flush()
        self._connection.close()

    def _flush(self) -> None:
        batch = list(self._queue)
        self._queue.clear()
        hold, self._hold = self._hold, None
        try:
            if batch:
                self._commit(batch)
        except sqlite3.Error as error:
            self._queue.extendleft(reversed(self._refuse(batch, error)))
            if not self._closing:
                self._hold = hold
                self._loop.call_later(_RETRY_S, self._flush)
            return
        self.failure = None
        for write in batch:
            write.on_durable()
        if hold is not None:
            hold.release()
