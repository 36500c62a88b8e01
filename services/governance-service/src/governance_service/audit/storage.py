"""The chain in the database."""

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, Update, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_db import Database

from .domain import GENESIS, AuditEntry, AuditRecord, EntryDiffersError, canonical, chained, microseconds
from .tables import AuditChainRow, AuditEntryRow

_PORTION: Final = 500


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends."""

    log_id: str
    position: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are meant: those that meet everything that is given."""

    trace_id: str | None = None
    actor: str | None = None
    action: str | None = None
    """An action; with `*` at its end all that begin so."""
    resource: str | None = None
    service: str | None = None
    tenant: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    """Recorded at this time or later."""
    until: datetime | None = None
    """Recorded before this time."""


class ChainStore:
    """Appends to the chain and reads it.

    Args:
        db: The database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin(self) -> Head:
        """Make the chain when there is none.

        Returns:
            Where it ends.
        """

        async def make(session: AsyncSession) -> Head:
            row = await session.get(AuditChainRow, 1, with_for_update=True)
            if row is None:
                row = AuditChainRow(id=1, log_id=uuid.uuid4().hex, position=0, hash=GENESIS)
                session.add(row)
                await session.commit()
            return Head(row.log_id, row.position, row.hash)

        return await self._db.retrying(make)

    async def append(self, session: AsyncSession, record: AuditRecord, at: datetime) -> tuple[AuditEntry, bool]:
        """Append an entry in somebody's unit of work. The chain's other writers wait until that ends.

        Args:
            session: The unit of work.
            record: What to say; it has been checked.
            at: Now.

        Returns:
            The entry, and whether it is new: an id that was used before gives the entry that has it.

        Raises:
            EntryDiffersError: That entry says something else.
        """
        # This row's lock is what makes appends take turns. It comes first, so that whoever waits then sees what the one before wrote.
        locked = (
            update(AuditChainRow)
            .where(AuditChainRow.id == 1)
            .values(position=AuditChainRow.position + 1)
            .returning(AuditChainRow.position, AuditChainRow.hash)
            .execution_options(synchronize_session=False)
        )
        position, previous_hash = (await session.execute(locked)).one()
        if record.entry_id is not None:
            known = await self._known(session, record)
            if known is not None:
                await session.execute(_moved(position - 1, previous_hash))
                return known, False
        entry = chained(
            record,
            position=position,
            entry_id=record.entry_id or uuid.uuid4().hex,
            at=at,
            previous_hash=previous_hash,
        )
        await session.execute(insert(AuditEntryRow).values({**entry.content(), "hash": entry.hash}))
        await session.execute(_moved(position, entry.hash))
        return entry, True

    async def head(self) -> Head:
        """Return where the chain ends, by its entries: what the chain's row says is only a note."""
        async with self._db.reading(isolation="repeatable read") as session:
            row = (await session.execute(select(AuditChainRow.log_id))).one()
            newest = select(AuditEntryRow.position, AuditEntryRow.hash).order_by(AuditEntryRow.position.desc()).limit(1)
            last = (await session.execute(newest)).one_or_none()
        return Head(row.log_id, 0, GENESIS) if last is None else Head(row.log_id, last.position, last.hash)

    async def entry(self, position: int) -> AuditEntry | None:
        """Return an entry by its place.

        Args:
            position: Its place.
        """
        async with self._db.reading() as session:
            row = await session.get(AuditEntryRow, position)
            return None if row is None else _entry(row)

    async def chain(self, *, after: int = 0, through: int | None = None) -> AsyncIterator[AuditEntry]:
        """Read the chain in its order, a portion at a time.

        Args:
            after: Begins behind this position.
            through: The last position; None reads to the end.

        Yields:
            The entries that are there.
        """
        while True:
            statement = select(AuditEntryRow).where(AuditEntryRow.position > after)
            if through is not None:
                statement = statement.where(AuditEntryRow.position <= through)
            async with self._db.reading() as session:
                ordered = statement.order_by(AuditEntryRow.position).limit(_PORTION)
                portion = [_entry(row) for row in (await session.scalars(ordered)).all()]
            for entry in portion:
                yield entry
            if len(portion) < _PORTION:
                return
            after = portion[-1].position

    async def search(self, wanted: AuditFilter, *, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """Find entries, the newest first.

        Args:
            wanted: Which ones.
            before: Only those in front of this position; None for all.
            limit: How many at most.
        """
        statement = _filtered(wanted)
        if before is not None:
            statement = statement.where(AuditEntryRow.position < before)
        async with self._db.reading() as session:
            ordered = statement.order_by(AuditEntryRow.position.desc()).limit(limit)
            return [_entry(row) for row in (await session.scalars(ordered)).all()]

    async def _known(self, session: AsyncSession, record: AuditRecord) -> AuditEntry | None:
        wanted = (AuditEntryRow.service == record.service, AuditEntryRow.entry_id == record.entry_id)
        found = (await session.scalars(select(AuditEntryRow).where(*wanted))).one_or_none()
        if found is None:
            return None
        known = _entry(found)
        if not _says_the_same(known, record):
            raise EntryDiffersError(known.entry_id)
        return known


def _moved(position: int, entry_hash: str) -> Update:
    return (
        update(AuditChainRow)
        .where(AuditChainRow.id == 1)
        .values(position=position, hash=entry_hash)
        .execution_options(synchronize_session=False)
    )


def _says_the_same(entry: AuditEntry, record: AuditRecord) -> bool:
    same_time = record.occurred_at is None or entry.occurred_us == microseconds(record.occurred_at)
    said = (record.actor, record.action, record.resource, record.outcome, record.tenant, canonical(record.details))
    kept = (entry.actor, entry.action, entry.resource, entry.outcome, entry.tenant, entry.details_json)
    return same_time and said == kept


def _filtered(wanted: AuditFilter) -> Select[AuditEntryRow]:
    statement = select(AuditEntryRow)
    for name in ("trace_id", "actor", "resource", "service", "tenant", "outcome"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(getattr(AuditEntryRow, name) == value)
    if wanted.action is not None:
        if wanted.action.endswith("*"):
            statement = statement.where(AuditEntryRow.action.startswith(wanted.action[:-1], autoescape=True))
        else:
            statement = statement.where(AuditEntryRow.action == wanted.action)
    if wanted.since is not None:
        statement = statement.where(AuditEntryRow.time_us >= microseconds(wanted.since))
    if wanted.until is not None:
        statement = statement.where(AuditEntryRow.time_us < microseconds(wanted.until))
    return statement


def _entry(row: AuditEntryRow) -> AuditEntry:
    return AuditEntry(
        position=row.position,
        entry_id=row.entry_id,
        time_us=row.time_us,
        occurred_us=row.occurred_us,
        service=row.service,
        actor=row.actor,
        action=row.action,
        resource=row.resource,
        outcome=row.outcome,
        tenant=row.tenant,
        trace_id=row.trace_id,
        details_json=row.details_json,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
