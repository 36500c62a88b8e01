"""The catalog in the registry's file: the domain's `CatalogStore`."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    delete,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central_registry.catalog.domain import DayOfCalls, Observation, ObservedCalls, Revision
from central_registry.catalog.written import entry_from_json, entry_to_json
from central_registry.database import RegistryDatabase
from central_registry.domain import StorageCorruptError

_METADATA: Final = MetaData()
_REVISIONS: Final = Table(
    "catalog_revisions",
    _METADATA,
    Column("service", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("recorded_at", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("entry_json", Text, nullable=False),
    Column("openapi_digest", Text),
    Column("asyncapi_digest", Text),
)
_DOCUMENTS: Final = Table(
    "catalog_documents",
    _METADATA,
    Column("digest", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
_CALLS: Final = Table(
    "observed_calls",
    _METADATA,
    Column("caller", Text, primary_key=True),
    Column("callee", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("first_seen", Text, nullable=False),
    Column("last_seen", Text, nullable=False),
)


class SqliteCatalogStore:
    """Keeps the catalog in the registry's file.

    Args:
        database: The file, open.
    """

    def __init__(self, database: RegistryDatabase) -> None:
        self._database = database

    async def load(self) -> Sequence[Revision]:
        """See `CatalogStore.load`."""
        latest = select(_REVISIONS.c.service, func.max(_REVISIONS.c.revision)).group_by(_REVISIONS.c.service).subquery()
        wanted = select(_REVISIONS).join(
            latest, (_REVISIONS.c.service == latest.c[0]) & (_REVISIONS.c.revision == latest.c[1])
        )
        async with self._database.transaction() as connection:
            return self._revisions((await connection.execute(wanted)).all())

    async def add(self, revision: Revision, documents: Mapping[str, bytes], *, keep: int) -> None:
        """See `CatalogStore.add`."""
        entry = revision.entry
        written = entry_to_json(entry)
        digests = {f"{kind}_digest": info.digest for kind, info in (entry.documents or {}).items()}
        row = {
            "service": entry.service,
            "revision": revision.number,
            "recorded_at": revision.recorded_at.isoformat(),
            "digest": hashlib.sha256(written.encode()).hexdigest(),
            "entry_json": written,
            **digests,
        }
        too_old = (_REVISIONS.c.service == entry.service) & (_REVISIONS.c.revision <= revision.number - keep)
        async with self._database.transaction() as connection:
            for digest, content in documents.items():
                kept = insert(_DOCUMENTS).values(digest=digest, content=content).on_conflict_do_nothing()
                await connection.execute(kept)
            await connection.execute(_REVISIONS.insert().values(row))
            await connection.execute(_REVISIONS.delete().where(too_old))
            await _forget_documents(connection)

    async def history(self, service: str) -> Sequence[Revision]:
        """See `CatalogStore.history`."""
        wanted = select(_REVISIONS).where(_REVISIONS.c.service == service).order_by(_REVISIONS.c.revision.desc())
        async with self._database.transaction() as connection:
            return self._revisions((await connection.execute(wanted)).all())

    async def document(self, digest: str) -> bytes | None:
        """See `CatalogStore.document`."""
        wanted = select(_DOCUMENTS.c.content).where(_DOCUMENTS.c.digest == digest)
        async with self._database.transaction() as connection:
            content: bytes | None = (await connection.execute(wanted)).scalar_one_or_none()
        return content

    async def remove(self, service: str) -> None:
        """See `CatalogStore.remove`."""
        async with self._database.transaction() as connection:
            await connection.execute(_REVISIONS.delete().where(_REVISIONS.c.service == service))
            await _forget_documents(connection)

    async def add_calls(self, observations: Sequence[Observation], *, max_pairs: int) -> bool:
        """See `CatalogStore.add_calls`."""
        async with self._database.transaction() as connection:
            for seen in observations:
                fresh = insert(_CALLS).values(_to_row(seen))
                merged = {
                    "calls": _CALLS.c.calls + fresh.excluded.calls,
                    "errors": _CALLS.c.errors + fresh.excluded.errors,
                    "first_seen": func.min(_CALLS.c.first_seen, fresh.excluded.first_seen),
                    "last_seen": func.max(_CALLS.c.last_seen, fresh.excluded.last_seen),
                }
                await connection.execute(fresh.on_conflict_do_update(set_=merged))
            pairs = select(_CALLS.c.caller, _CALLS.c.callee).distinct().subquery()
            if (await connection.execute(select(func.count()).select_from(pairs))).scalar_one() > max_pairs:
                await connection.rollback()
                return False
        return True

    async def calls(self, since: date, *, of: str | None = None) -> Sequence[ObservedCalls]:
        """See `CatalogStore.calls`."""
        c = _CALLS.c
        totals = (func.sum(c.calls), func.sum(c.errors), func.min(c.first_seen), func.max(c.last_seen))
        wanted = select(c.caller, c.callee, *totals).where(c.day >= since.isoformat()).group_by(c.caller, c.callee)
        if of is not None:
            wanted = wanted.where(or_(c.caller == of, c.callee == of))
        async with self._database.transaction() as connection:
            rows = (await connection.execute(wanted)).all()
        return [
            ObservedCalls(caller, callee, calls, errors, datetime.fromisoformat(first), datetime.fromisoformat(last))
            for caller, callee, calls, errors, first, last in rows
        ]

    async def days(self, since: date, *, of: str) -> Sequence[DayOfCalls]:
        """See `CatalogStore.days`."""
        c = _CALLS.c
        wanted = (
            select(c.caller, c.callee, c.day, c.calls, c.errors)
            .where(c.day >= since.isoformat(), or_(c.caller == of, c.callee == of))
            .order_by(c.day.desc(), c.caller, c.callee)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(wanted)).all()
        return [
            DayOfCalls(caller, callee, date.fromisoformat(day), calls, errors)
            for caller, callee, day, calls, errors in rows
        ]

    async def forget_calls(self, before: date) -> int:
        """See `CatalogStore.forget_calls`."""
        async with self._database.transaction() as connection:
            done = await connection.execute(_CALLS.delete().where(_CALLS.c.day < before.isoformat()))
        return done.rowcount

    def _revisions(self, rows: Sequence[Row[Any]]) -> Sequence[Revision]:
        try:
            return [
                Revision(row.revision, datetime.fromisoformat(row.recorded_at), entry_from_json(row.entry_json))
                for row in rows
            ]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StorageCorruptError(self._database.path, f"a catalog entry in it cannot be read ({error})") from error


async def _forget_documents(connection: AsyncConnection) -> None:
    c = _REVISIONS.c
    used = union(
        *(select(column).where(column.is_not(None)) for column in (c.openapi_digest, c.asyncapi_digest))
    ).subquery()
    await connection.execute(delete(_DOCUMENTS).where(_DOCUMENTS.c.digest.not_in(select(used.c[0]))))


def _to_row(seen: Observation) -> dict[str, Any]:
    first, last = seen.first_seen.astimezone(UTC), seen.last_seen.astimezone(UTC)
    return {
        "caller": seen.caller,
        "callee": seen.callee,
        "day": last.date().isoformat(),
        "calls": seen.calls,
        "errors": seen.errors,
        # As text, so that the earlier one is the smaller one: always with microseconds and in UTC.
        "first_seen": first.isoformat(timespec="microseconds"),
        "last_seen": last.isoformat(timespec="microseconds"),
    }
