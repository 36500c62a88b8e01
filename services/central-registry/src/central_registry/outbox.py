"""Events that are owed, in the registry's file: core-messaging's `OutboxSource`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Column, Integer, MetaData, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import RegistryDatabase
from .events import Written

_MOST_KEPT: Final = 100_000
_LONGEST_PAUSE: Final = timedelta(minutes=1)
_OUTBOX: Final = Table(
    "outbox",
    MetaData(),
    Column("position", Integer, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("event_json", Text, nullable=False),
    Column("added_at", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Owed:
    """An event that is owed."""

    position: int
    """Its place in the outbox."""
    subject: str
    key: str | None
    event_json: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Fill:
    """How full the outbox is."""

    pending: int
    oldest_age: timedelta


class SqliteOutbox:
    """Keeps events until they are published. The file has one process, so who has claimed what is in memory alone.

    A claim ends with its lease: a relay that fails before it has given everything back holds up nobody for good.

    While nobody takes events for very long the oldest are dropped: look-up and the catalog tell how things stand.

    Args:
        database: The file, open.
        most: How many events are kept.
    """

    def __init__(self, database: RegistryDatabase, *, most: int = _MOST_KEPT) -> None:
        self._database = database
        self._most = most
        self._claimed: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._added = asyncio.Event()
        self._claiming = asyncio.Lock()

    async def add(self, connection: AsyncConnection, events: Sequence[Written]) -> None:
        """Keep events in somebody's transaction.

        Args:
            connection: The transaction.
            events: In the order in which they happened.
        """
        if not events:
            return
        rows = [
            {
                "subject": event.subject,
                "key": event.key,
                "event_json": event.event_json,
                "added_at": event.at.isoformat(),
                "attempts": 0,
            }
            for event in events
        ]
        await connection.execute(_OUTBOX.insert(), rows)
        newest = select(func.max(_OUTBOX.c.position)).scalar_subquery()
        await connection.execute(_OUTBOX.delete().where(_OUTBOX.c.position <= newest - self._most))
        # Woken early, a relay finds nothing yet and looks again; it is never woken too late.
        self._added.set()

    async def claim(self, limit: int = 100, lease: timedelta = timedelta(seconds=30)) -> Sequence[Owed]:
        """See `OutboxSource.claim`."""
        async with self._claiming:
            self._added.clear()
            now = asyncio.get_running_loop().time()
            self._due = {key: due for key, due in self._due.items() if due > now}
            self._claimed = {key: end for key, end in self._claimed.items() if end > now}
            blocked = self._claimed.keys() | self._due.keys()
            wanted = select(_OUTBOX).where(_OUTBOX.c.key.not_in(blocked)).order_by(_OUTBOX.c.position).limit(limit)
            async with self._database.transaction() as connection:
                rows = (await connection.execute(wanted)).all()
            self._claimed.update((row.key, now + lease.total_seconds()) for row in rows)
        return [Owed(row.position, row.subject, row.key, row.event_json, row.attempts) for row in rows]

    async def done(self, entries: Sequence[Owed]) -> None:
        """See `OutboxSource.done`."""
        if entries:
            places = [entry.position for entry in entries]
            async with self._database.transaction() as connection:
                await connection.execute(_OUTBOX.delete().where(_OUTBOX.c.position.in_(places)))
        await self.released(entries)

    async def failed(self, entry: Owed, reason: str) -> None:
        """See `OutboxSource.failed`."""
        async with self._database.transaction() as connection:
            tried = _OUTBOX.update().where(_OUTBOX.c.position == entry.position).values(attempts=entry.attempts + 1)
            await connection.execute(tried)
        pause_s = min(2.0 ** min(entry.attempts, 16), _LONGEST_PAUSE.total_seconds())
        self._due[entry.key or ""] = asyncio.get_running_loop().time() + pause_s
        await self.released([entry])

    async def released(self, entries: Sequence[Owed]) -> None:
        """See `OutboxSource.released`."""
        for entry in entries:
            self._claimed.pop(entry.key or "", None)

    async def arrived(self, timeout: timedelta) -> bool:
        """See `OutboxSource.arrived`."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._added.wait()
        except TimeoutError:
            return False
        return True

    async def state(self) -> Fill:
        """See `OutboxSource.state`."""
        wanted = select(func.count(), func.min(_OUTBOX.c.added_at))
        async with self._database.transaction() as connection:
            pending, oldest = (await connection.execute(wanted)).one()
        age = timedelta() if oldest is None else datetime.now(UTC) - datetime.fromisoformat(oldest)
        return Fill(pending, max(age, timedelta()))
