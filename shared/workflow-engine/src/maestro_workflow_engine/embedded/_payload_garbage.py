"""Deleting stored payloads to which no event refers any more: listed in the journal first, gone from the store, then unlisted.

Whoever dies on the way leaves an object that is listed, and is deleted again. Nothing is deleted that an event refers to, or a
write that is under way, nor from a store that another journal uses as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._errors import JournalWriteError
from maestro_workflow_engine._payload_errors import PayloadStoreError
from maestro_workflow_engine._payload_store import PayloadStore
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded._clock import Clock, Wake
from maestro_workflow_engine.embedded._journal import Write
from maestro_workflow_engine.embedded._opened import Acknowledgement
from maestro_workflow_engine.embedded._purge_reader import PurgeReader
from maestro_workflow_engine.embedded._uploads import Uploads

_logger = get_logger(__name__)
_MICROSECOND = timedelta(microseconds=1)
_AT_ONCE = 64
_PAUSE_US = 1_000_000
_AGAIN_US = 300_000_000
"""After which a store that refused, or has other users, is looked at again."""

_UNLIST = "DELETE FROM payload_garbage WHERE sha256 IN (SELECT value FROM json_each(?))"


class PayloadGarbage:
    """Collects what purges and new passes of runs leave in the payload store.

    Args:
        uploads: Knows what is being stored, and writes the journal.
        store: The store.
        reader: Finds what is not referred to.
        clock: The time.
        grace: How long an object stays after the last reference to it went.
        journal_id: This journal's mark in the store.
    """

    def __init__(
        self,
        uploads: Uploads,
        store: PayloadStore,
        reader: PurgeReader,
        clock: Clock,
        *,
        grace: timedelta,
        journal_id: str,
    ) -> None:
        self._uploads = uploads
        self._store = store
        self._reader = reader
        self._clock = clock
        self._grace_us = grace // _MICROSECOND
        self._journal_id = journal_id
        self._due_us = 0
        self._wake: Wake | None = None
        self._collecting: asyncio.Task[None] | None = None
        self._more = False
        self._closed = False
        self._told_of_others = False
        uploads.on_unreferenced = self.noticed
        self._arm(clock.now_us())

    async def close(self) -> None:
        """Delete nothing more."""
        self._closed = True
        if self._wake is not None:
            self._wake.cancel()
        if self._collecting is not None:
            self._collecting.cancel()
            await asyncio.wait([self._collecting])

    def noticed(self) -> None:
        """Take note that something may not be referred to any more."""
        if self._collecting is not None:
            self._more = True
        elif self._wake is None:
            self._arm(self._clock.now_us() + self._grace_us)

    def _arm(self, at_us: int) -> None:
        if not self._closed:
            self._due_us = at_us
            self._wake = self._clock.wake_at(at_us, self._ring)

    def _ring(self) -> None:
        self._wake = None
        if self._clock.now_us() < self._due_us:  # a clock may call early
            self._arm(self._due_us)
        elif not self._closed:
            self._collecting = self._clock.spawn(self._collect(), name="deleting payloads")
            self._collecting.add_done_callback(self._collected)

    def _collected(self, task: asyncio.Task[None]) -> None:
        self._collecting = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _logger.warning("Payloads cannot be deleted; it is tried again", error=str(error))
            self._arm(self._clock.now_us() + _AGAIN_US)
        elif self._more and self._wake is None:
            self._arm(self._clock.now_us() + self._grace_us)
        self._more = False

    async def _collect(self) -> None:
        now = self._clock.now_us()
        while names := await self._reader.unreferenced(now - self._grace_us, _AT_ONCE):
            others = await self._store.users_besides(self._journal_id)
            if others:
                if not self._told_of_others:
                    _logger.warning(
                        "Payloads stay: the store has other users", store=self._store.url, journals=len(others)
                    )
                    self._told_of_others = True
                self._arm(now + max(_AGAIN_US, self._grace_us))
                return
            if not await self._delete(names):
                break
        since = await self._reader.next_unreferenced()
        if since is not None:
            self._arm(max(since + self._grace_us, now + _PAUSE_US))

    async def _delete(self, names: list[str]) -> int:
        """Delete what is still not referred to, and take off the list what is settled; return how many that is."""
        with self._uploads.deleting(names) as free:
            needed = await asyncio.to_thread(self._reader.referred_to, free)
            gone = [name for name in free if name not in needed]
            for outcome in await asyncio.gather(*map(self._store.delete, gone), return_exceptions=True):
                if isinstance(outcome, PayloadStoreError):
                    raise outcome
            if gone:
                crash_points.reach(crash_points.PAYLOAD_DELETED)
            # What is referred to again comes back to the list when that reference goes.
            await self._unlist(free)
        return len(free)

    async def _unlist(self, names: Iterable[str]) -> None:
        done = Acknowledgement()
        write = Write(done.durable, also=((_UNLIST, (msgspec.json.encode(list(names)).decode(),)),))
        write.on_failed = done.failed
        self._uploads.submit(write)
        try:
            await done.wait()
        except JournalWriteError as error:
            raise PayloadStoreError(
                self._store.url, f"what was deleted cannot be taken off the list: {error}"
            ) from error
