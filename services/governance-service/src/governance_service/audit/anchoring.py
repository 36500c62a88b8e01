"""Signs for what has been committed, a moment after each commit, for all commits that waited at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from governance_service.clock import Clock
from maestro_core_logging import get_logger

from .anchors import AnchorFolder
from .domain import AnchorError, Checkpoint, microseconds

_logger = get_logger(__name__)
_AGAIN_AFTER: Final = timedelta(seconds=1)

Announce = Callable[[Checkpoint], None]
"""Tells the newest checkpoint to others."""


class Anchorer:
    """Keeps the anchors as far as the chain.

    Args:
        anchors: Where checkpoints are kept.
        log_id: Which chain.
        anchored: The position that is signed for already.
        clock: Gives the present.
    """

    def __init__(self, anchors: AnchorFolder, log_id: str, *, anchored: int, clock: Clock) -> None:
        self._anchors = anchors
        self._log_id = log_id
        self._clock = clock
        self._committed = (anchored, "")
        self._anchored = anchored
        self._changed = asyncio.Condition()
        self.failure: AnchorError | None = None
        """Why nothing can be signed for at the moment; None when it can."""
        self.newest: Checkpoint | None = None
        """The last checkpoint of this process."""

    @property
    def unanchored(self) -> int:
        """How many committed entries are not signed for yet."""
        return max(0, self._committed[0] - self._anchored)

    def note(self, position: int, entry_hash: str) -> None:
        """Hear that an entry was committed.

        Args:
            position: Its place.
            entry_hash: Its hash.
        """
        if position > self._committed[0]:
            self._committed = (position, entry_hash)
            self._wake.set()

    async def caught_up(self, position: int) -> None:
        """Wait until an entry is signed for.

        Args:
            position: Its place; it was noted.

        Raises:
            AnchorError: Checkpoints cannot be written now. The entry is in the chain, and is signed for later.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._anchored >= position or self.failure is not None)
        if self._anchored < position and self.failure is not None:
            raise self.failure

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Sign while the block runs, and for what is left at its end."""
        self._wake = asyncio.Event()
        self._wake.set()
        task = asyncio.create_task(self._keep_signing(), name="audit-anchors")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._sign()

    async def _keep_signing(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._sign()
            if self.failure is not None:
                await asyncio.sleep(_AGAIN_AFTER.total_seconds())
                self._wake.set()

    async def _sign(self) -> None:
        position, entry_hash = self._committed
        if position <= self._anchored:
            return
        now_us = microseconds(self._clock())
        try:
            made = await asyncio.to_thread(
                self._anchors.extend, log_id=self._log_id, position=position, entry_hash=entry_hash, time_us=now_us
            )
        except AnchorError as error:
            if self.failure is None:
                _logger.critical("Audit checkpoints cannot be written", path=str(error.path), reason=error.reason)
            self.failure = error
        else:
            if self.failure is not None:
                _logger.info("Audit checkpoints can be written again", path=str(self._anchors.file))
            self.failure, self.newest = None, made
            self._anchored = max(self._anchored, position)
        async with self._changed:
            self._changed.notify_all()
