"""Large payloads reach their store before the journal refers to them, and no event of a run overtakes another."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from maestro_core_logging import get_logger
from maestro_workflow_engine._errors import JournalWriteError
from maestro_workflow_engine._payload_errors import PayloadStoreError
from maestro_workflow_engine._payload_store import PayloadStore
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._journal import Journal, Statement, Write, nothing
from maestro_workflow_engine.embedded._run_tables import referring
from maestro_workflow_engine.embedded._sealing import references

_RETRY_FIRST_S = 0.05
_RETRY_LONGEST_S = 5.0
_AT_ONCE = 16
_logger = get_logger(__name__)


class _Held:
    """A write that waits: for its own objects, or for an earlier write of one of its runs."""

    def __init__(self, write: Write, keys: frozenset[int | str]) -> None:
        self.write = write
        self.keys = keys
        self.is_stored = not write.objects
        self.is_refused = False


class Uploads:
    """Stands before the journal: holds a write back until what it refers to is stored.

    Args:
        journal: Takes the writes.
        store: Takes the objects; None when no write can have any.
        clock: Stands still in tests while something is being stored.
        journal_id: The mark that the store gets before the first object, so that no other journal deletes what it needs.

    Attributes:
        failure: Why the store cannot be written at the moment; None when it can.
        on_unreferenced: Called when an event that referred to a stored payload may have gone.
    """

    def __init__(self, journal: Journal, store: PayloadStore | None, clock: Clock, *, journal_id: str = "") -> None:
        self.failure: PayloadStoreError | None = None
        self.on_unreferenced: Callable[[], None] = nothing
        self._journal_id = journal_id
        self._is_marked = False
        self._under_way: Counter[str] = Counter()
        self._deletions: dict[str, asyncio.Event] = {}
        self._journal = journal
        self._store = store
        self._clock = clock
        self._held: list[_Held] = []
        self._waiting_keys: Counter[int | str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._closing = asyncio.Event()

    @property
    def path(self) -> str:
        """The journal's file."""
        return self._journal.path

    def submit(self, write: Write) -> None:
        """Queue a write for the journal, once its objects are stored and earlier writes of its runs have gone ahead.

        Args:
            write: The write.
        """
        if not self._held and not write.objects:
            self._journal.submit(write)
            return
        if write.objects:
            self._refer(write)
        keys: frozenset[int | str] = frozenset((*(row[0] for row in write.events), *write.order))
        if write.parked is not None:
            keys |= {write.parked.key}
        if not write.objects and self._waiting_keys.keys().isdisjoint(keys):
            self._journal.submit(write)
            return
        held = _Held(write, keys)
        self._held.append(held)
        self._waiting_keys.update(keys)
        if write.objects:
            task = self._clock.spawn(self._upload(held), name="storing payloads")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def when_stored(self, statements: Callable[[], tuple[Statement, ...]]) -> tuple[Statement, ...]:
        """Return the statements if there is a payload store; without one there is nothing to keep account of."""
        return () if self._store is None else statements()

    @contextmanager
    def deleting(self, names: Iterable[str]) -> Iterator[list[str]]:
        """Yield those objects that no write under way needs; new writes that need them are stored after the block."""
        free = [name for name in names if not self._under_way[name]]
        over = asyncio.Event()
        self._deletions.update(dict.fromkeys(free, over))
        try:
            yield free
        finally:
            for name in free:
                del self._deletions[name]
            over.set()

    async def close(self) -> None:
        """Try once more what is not stored yet, and give up what is refused: its steps run again."""
        self._closing.set()
        await asyncio.gather(*self._tasks)
        if self._held:
            _logger.error("Engine closed with payloads that could not be stored", writes=len(self._held))
            self._held.clear()

    async def _upload(self, held: _Held) -> None:
        delay = _RETRY_FIRST_S
        while True:
            is_last_try = self._closing.is_set()
            try:
                await self._store_all(held.write.objects)
            except PayloadStoreError as error:
                if held.is_refused:  # together with the start of its run
                    return
                if self.failure is None:
                    _logger.error(
                        "Payloads cannot be stored; retrying, nothing is lost", store=error.path, error=str(error)
                    )
                self.failure = error
                if held.write.on_failed is not None:
                    self._refuse(held, error)
                    return
                if is_last_try:
                    return
                await self._pause(delay)
                delay = min(delay * 2, _RETRY_LONGEST_S)
                continue
            if self.failure is not None:
                _logger.info("Payloads can be stored again", store=self.failure.path)
                self.failure = None
            held.is_stored = True
            self._let_go()
            return

    async def _store_all(self, objects: dict[str, bytes]) -> None:
        puts = (self._put(name, data) for name, data in objects.items())
        for outcome in await asyncio.gather(*puts, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _put(self, name: str, data: bytes) -> None:
        if self._store is None:
            return
        while (deletion := self._deletions.get(name)) is not None:
            await deletion.wait()
        async with self._slots:
            if not self._is_marked:
                await self._store.mark(self._journal_id)
                self._is_marked = True
            await self._store.put(name, data)

    def _refer(self, write: Write) -> None:
        """Let the journal know, in the same transaction, which event refers to which object; until then it is under way."""
        names = tuple(write.objects)
        rows = [(key, position, name) for key, position, data in write.events for name in references(data)]
        write.also = (*write.also, *(referring(*row) for row in rows))
        self._under_way.update(names)
        on_durable, on_failed = write.on_durable, write.on_failed

        def durable() -> None:
            self._settled(names)
            on_durable()

        def failed(error: JournalWriteError) -> None:
            self._settled(names)
            if on_failed is not None:
                on_failed(error)

        write.on_durable = durable
        write.on_failed = None if on_failed is None else failed

    def _settled(self, names: Iterable[str]) -> None:
        self._under_way.subtract(names)
        for name in names:
            if self._under_way[name] <= 0:
                del self._under_way[name]

    async def _pause(self, delay: float) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._closing.wait()
        except TimeoutError:
            return

    def _refuse(self, held: _Held, error: JournalWriteError) -> None:
        """Take back a write; when it was a run's first, also what others sent to that run meanwhile."""
        refused = [held]
        if held.write.new_run is not None:
            refused += [h for h in self._held if h is not held and h.keys & held.keys and h.write.on_failed is not None]
        for each in refused:
            each.is_refused = True
        self._held = [h for h in self._held if not h.is_refused]
        for each in refused:
            if each.write.on_failed is not None:
                each.write.on_failed(error)
        self._let_go()

    def _let_go(self) -> None:
        blocked: set[int | str] = set()
        waiting: list[_Held] = []
        free: list[Write] = []
        for held in self._held:
            if held.is_stored and not held.keys & blocked:
                free.append(held.write)
            else:
                blocked |= held.keys
                waiting.append(held)
        self._held = waiting
        self._waiting_keys = Counter(key for held in waiting for key in held.keys)
        for write in free:
            self._journal.submit(write)
