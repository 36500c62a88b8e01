"""The transactional outbox: events that are kept with the change they tell of, until they are published."""

import asyncio
import json
import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import MetaData, event, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_db._database import Database
from maestro_core_db._errors import OutboxFullError
from maestro_core_db._retrying import RetryPolicy

from ._entry import OutboxEntry, OutboxState
from ._table import now_ms, outbox_table

_TABLE: Final = outbox_table(MetaData())
_EARLIER: Final = _TABLE.alias("earlier")
_MAX_ERROR: Final = 500
_FILL_CHECK_S: Final = 1.0
_PURGE_EVERY_S: Final = 60.0
_PURGED_AT_ONCE: Final = 1_000
_LEASE: Final = timedelta(seconds=30)
_LOCK: Final = func.pg_advisory_xact_lock(func.hashtext("maestro-outbox"), func.hashtext(func.current_schema()))
# Each of its changes says whose the entries have to be, so that doing it twice does no more than once.
_POLICY: Final = RetryPolicy(unknown_commit="repeat")
_PENDING: Final = _TABLE.c.done_at_ms.is_(None)


class Outbox:
    """The outbox of a service: `add` in the transaction that makes the change; a relay publishes with `claim`, `done` and `failed`.

    Several relays may work at once: an entry is one relay's until its lease runs out. A relay that dies leaves its entries to
    the others. What was published by a relay that died before `done` is published again, with the same event id.

    Args:
        db: The service's database; its migrations have called `create_outbox`.
        max_pending: The most events that may be owed, about; `add` refuses more, so that a broker that is away for long does not
            fill the disk.
        keep: How long published events are kept; by default they are deleted at once.
        first_delay: The pause after an event's first failure; it doubles from failure to failure.
        max_delay: The longest pause. An event is never given up: it is owed.
    """

    def __init__(
        self,
        db: Database,
        *,
        max_pending: int = 1_000_000,
        keep: timedelta = timedelta(0),
        first_delay: timedelta = timedelta(seconds=1),
        max_delay: timedelta = timedelta(minutes=5),
    ) -> None:
        self._db = db
        self._max_pending = max_pending
        self._keep = keep
        self._delays_ms = (_ms(first_delay), _ms(max_delay))
        self._now = now_ms(db.kind)
        self._arrival = asyncio.Event()
        self._fill_checked_at = self._purged_at = float("-inf")

    async def add(self, session: AsyncSession, event_json: str, subject: str, key: str | None = None) -> None:
        """Owe an event from when the session is committed.

        Args:
            session: A unit of work of this database.
            event_json: The event, as JSON.
            subject: Where it is to be published.
            key: Events of one key keep their order. Transactions that add the same key at once should hold a lock on what the
                key names, as they do when they change the same record; otherwise there is no order to keep.

        Raises:
            OutboxFullError: Too many events are owed already.
            ValueError: The event is no JSON.
        """
        json.loads(event_json)
        await self._refuse_when_full(session)
        await session.execute(
            _TABLE.insert().values(
                event_json=event_json, subject=subject, key=key, added_at_ms=self._now, available_at_ms=self._now
            )
        )
        if not session.info.get(self):
            session.info[self] = True
            event.listen(session.sync_session, "after_commit", self._arrived)

    async def claim(self, limit: int = 100, lease: timedelta = _LEASE) -> Sequence[OutboxEntry]:
        """Take events to publish; for the time of the lease no other relay gets them.

        Args:
            limit: The most to take.
            lease: How long they are this relay's.

        Returns:
            The entries, in the order in which they are to be published; empty when nothing is due.
        """
        await self._purge_now_and_then()
        if not await self._anything_due():
            return ()  # without the write lock, which others need
        token = secrets.token_hex(8)

        async def take(session: AsyncSession) -> list[OutboxEntry]:
            if self._db.kind == "postgresql":
                # One relay at a time: skipping what another one is just taking would overtake within a key.
                await session.execute(select(_LOCK))
            chosen = select(_TABLE.c.id).where(*self._due()).order_by(_TABLE.c.id).limit(limit)
            rows = await session.execute(
                _TABLE.update()
                .where(_TABLE.c.id.in_(chosen.scalar_subquery()))
                .values(lease=token, available_at_ms=self._now + _ms(lease))
                .returning(_TABLE.c.id, _TABLE.c.event_json, _TABLE.c.subject, _TABLE.c.key, _TABLE.c.attempts)
            )
            await session.commit()
            return [OutboxEntry(row.id, row.event_json, row.subject, row.key, row.attempts, token) for row in rows]

        return sorted(await self._db.retrying(take), key=lambda entry: entry.id)

    async def done(self, entries: Sequence[OutboxEntry]) -> int:
        """Tell that events were published.

        Args:
            entries: What was claimed.

        Returns:
            How many of them were still this relay's; the others are published by somebody else, too.
        """
        if not entries:
            return 0
        mine = _mine(entries)
        statement: Any = _TABLE.delete().where(mine)
        if self._keep > timedelta(0):
            statement = _TABLE.update().where(mine, _PENDING).values(done_at_ms=self._now, lease=None)
        return await self._change(statement)

    async def failed(self, entry: OutboxEntry, reason: str) -> None:
        """Tell that an event could not be published: it is due again after a pause.

        The later ones of its key that were claimed with it are given back, too: they wait for it, and are not to be published.

        Args:
            entry: What was claimed.
            reason: Why, in a sentence without secrets.
        """
        first_ms, most_ms = self._delays_ms
        pause_ms = min(most_ms, first_ms * 2 ** min(entry.attempts, 30))
        again = (
            _TABLE.update()
            .where(_mine([entry]))
            .values(
                lease=None,
                attempts=_TABLE.c.attempts + 1,
                available_at_ms=self._now + pause_ms,
                last_error=reason[:_MAX_ERROR],
            )
        )
        await self._change(again)
        if entry.key is not None:
            later = (_TABLE.c.lease == entry.lease, _TABLE.c.key == entry.key, _TABLE.c.id > entry.id)
            await self._change(_TABLE.update().where(*later).values(lease=None, available_at_ms=self._now))

    async def released(self, entries: Sequence[OutboxEntry]) -> int:
        """Give events back that were not tried, so that they are due at once; for a relay that stops.

        Args:
            entries: What was claimed.

        Returns:
            How many of them were still this relay's.
        """
        if not entries:
            return 0
        return await self._change(_TABLE.update().where(_mine(entries)).values(lease=None, available_at_ms=self._now))

    async def arrived(self, timeout: timedelta) -> bool:
        """Wait until this process has added an event, so that a relay need not ask all the time.

        Args:
            timeout: How long, at most: other processes' events, and failed ones, are only seen by asking.

        Returns:
            Whether one was added.
        """
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._arrival.wait()
        except TimeoutError:
            return False
        finally:
            self._arrival.clear()
        return True

    async def state(self) -> OutboxState:
        """Look how full it is."""
        failing = _TABLE.c.attempts > 0
        oldest = select(_TABLE.c.last_error).where(_PENDING, failing).order_by(_TABLE.c.id).limit(1).scalar_subquery()
        counted = select(
            func.count(), func.count().filter(failing), self._now - func.min(_TABLE.c.added_at_ms), oldest
        ).where(_PENDING)
        async with self._db.reading() as session:
            pending, failures, age_ms, last_error = (await session.execute(counted)).one()
        return OutboxState(pending, failures, timedelta(milliseconds=max(0, age_ms or 0)), last_error)

    async def discard(self, entry_id: int) -> bool:
        """Give up an event, which is a person's decision: those behind it in its key go on.

        Args:
            entry_id: Its number.

        Returns:
            Whether it was there.
        """
        return await self._change(_TABLE.delete().where(_TABLE.c.id == entry_id)) == 1

    async def purge(self, older_than: timedelta = timedelta(0)) -> int:
        """Delete published events, in portions, so that nobody waits for long.

        Args:
            older_than: Those that were published at least so long ago.

        Returns:
            How many there were.
        """
        purged = 0
        while True:
            old = (
                select(_TABLE.c.id)
                .where(_TABLE.c.done_at_ms <= self._now - _ms(older_than))
                .order_by(_TABLE.c.done_at_ms)
                .limit(_PURGED_AT_ONCE)
            )
            gone = await self._change(_TABLE.delete().where(_TABLE.c.id.in_(old.scalar_subquery())))
            purged += gone
            if gone < _PURGED_AT_ONCE:
                return purged

    def _due(self) -> tuple[Any, ...]:
        held_up = exists().where(
            _EARLIER.c.key == _TABLE.c.key,
            _EARLIER.c.id < _TABLE.c.id,
            _EARLIER.c.done_at_ms.is_(None),
            _EARLIER.c.available_at_ms > self._now,
        )
        return _PENDING, _TABLE.c.available_at_ms <= self._now, ~held_up

    async def _anything_due(self) -> bool:
        async with self._db.reading() as session:
            return await session.scalar(select(_TABLE.c.id).where(*self._due()).limit(1)) is not None

    async def _change(self, statement: Any) -> int:
        async def work(session: AsyncSession) -> int:
            changed = (await session.execute(statement)).rowcount  # type: ignore[attr-defined]  # a change has it
            await session.commit()
            return int(changed)

        return await self._db.retrying(work, policy=_POLICY)

    async def _refuse_when_full(self, session: AsyncSession) -> None:
        if time.monotonic() - self._fill_checked_at < _FILL_CHECK_S:
            return
        some = select(_TABLE.c.id).where(_PENDING).limit(self._max_pending).subquery()
        # From the numbers' range first: counting is for when it may be full.
        reach = select(func.max(_TABLE.c.id) - func.min(_TABLE.c.id)).where(_PENDING)
        if (await session.scalar(reach) or 0) + 1 >= self._max_pending:
            pending = await session.scalar(select(func.count()).select_from(some)) or 0
            if pending >= self._max_pending:
                raise OutboxFullError(
                    f"{pending} events of {self._db.options.url} wait to be published, and no more are taken: is the broker away, "
                    "or no relay running?"
                )
        self._fill_checked_at = time.monotonic()

    async def _purge_now_and_then(self) -> None:
        if self._keep > timedelta(0) and time.monotonic() - self._purged_at >= _PURGE_EVERY_S:
            self._purged_at = time.monotonic()
            await self.purge(self._keep)

    def _arrived(self, _session: object) -> None:
        self._arrival.set()


def _mine(entries: Sequence[OutboxEntry]) -> Any:
    leases = {entry.lease for entry in entries}
    return _TABLE.c.id.in_([entry.id for entry in entries]) & _TABLE.c.lease.in_(leases)


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1_000)
