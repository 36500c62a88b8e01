"""Which events a consumer has handled already, so that one that comes again has no effect."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class Once(Generic[R_co]):
    """One attempt to handle an event."""

    new: bool
    """Whether the event has not been handled before; if not, the subscriber is not called."""
    resource: R_co
    """Handed to a subscriber that takes a second argument: the session of the transaction, for example."""


class ProcessedEvents(Protocol[R_co]):
    """Remembers the events that a consumer has handled."""

    def once(self, consumer: str, identity: str) -> AbstractAsyncContextManager[Once[R_co]]:
        """Handle an event in the block.

        The block left normally: the event is handled and remembered, both or neither. Left by an exception: it is as
        if it had never come. Two blocks for the same event at the same time: at most one of them finds it new and ends
        normally.

        Args:
            consumer: Whose memory; the same event is handled once by each.
            identity: The event's source and id (`Event.identity`).
        """


class MemoryProcessedEvents:
    """Remembers in this process, the newest events only: as long as the process lives, nothing has two effects.

    Args:
        capacity: How many events are remembered.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._handled: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._running: dict[tuple[str, str], asyncio.Event] = {}

    @asynccontextmanager
    async def once(self, consumer: str, identity: str) -> AsyncIterator[Once[None]]:
        """Handle an event in the block; see `ProcessedEvents`."""
        name = (consumer, identity)
        while (other := self._running.get(name)) is not None:
            await other.wait()
        if name in self._handled:
            yield Once(new=False, resource=None)
            return
        ended = self._running[name] = asyncio.Event()
        try:
            yield Once(new=True, resource=None)
            self._handled[name] = None
            if len(self._handled) > self._capacity:
                self._handled.popitem(last=False)
        finally:
            del self._running[name]
            ended.set()


class TransactionalProcessedEvents(Generic[R]):
    """Remembers in the transaction in which the subscriber writes: effect and memory are one.

    It knows no database; three functions do. For a table `processed_events (consumer, identity, primary key of both)`
    `record` is an INSERT … ON CONFLICT DO NOTHING, and tells whether a row was added.

    Args:
        transaction: Begins a transaction that is rolled back when the block ends by an exception, and gives its session.
        record: Notes consumer and identity in it, and returns whether they are new.
        commit: Commits it. None only for a transaction that is committed by leaving the block without an exception: with one that
            is rolled back unless it is committed, such as that of `maestro_core_db`, nothing would ever be kept.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractAsyncContextManager[R]],
        record: Callable[[R, str, str], Awaitable[bool]],
        commit: Callable[[R], Awaitable[Any]] | None,
    ) -> None:
        self._transaction = transaction
        self._record = record
        self._commit = commit

    @asynccontextmanager
    async def once(self, consumer: str, identity: str) -> AsyncIterator[Once[R]]:
        """Handle an event in the block; see `ProcessedEvents`."""
        async with self._transaction() as session:
            new = await self._record(session, consumer, identity)
            yield Once(new=new, resource=session)
            if new and self._commit is not None:
                await self._commit(session)
