"""Registrations in the registry's file: the domain's `RegistrationStore`."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Float, MetaData, Row, Table, Text, select, tuple_
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import RegistryDatabase
from .domain import HealthCheck, InstanceKey, Notice, Registration, StorageCorruptError
from .events import written
from .outbox import SqliteOutbox

_REMOVED_AT_ONCE: Final = 500

_REGISTRATIONS: Final = Table(
    "registrations",
    MetaData(),
    Column("service", Text, primary_key=True),
    Column("instance_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("metadata_json", Text, nullable=False),
    Column("lease_s", Float, nullable=False),
    Column("registered_at", Text, nullable=False),
    Column("zone", Text),
    Column("tags_json", Text, nullable=False),
    Column("health_check_json", Text),
)


class SqliteRegistrationStore:
    """Keeps registrations in the registry's file.

    Args:
        database: The file, open.
        outbox: Where what the platform is to be told waits for it; None tells it nothing.
    """

    def __init__(self, database: RegistryDatabase, outbox: SqliteOutbox | None = None) -> None:
        self._database = database
        self._outbox = outbox

    @classmethod
    @asynccontextmanager
    async def opened(cls, path: Path, **options: Any) -> AsyncIterator["SqliteRegistrationStore"]:
        """Open a file for nothing but registrations while the block runs.

        Args:
            path: The database file.
            **options: For `RegistryDatabase.opened`.

        Yields:
            The store.

        Raises:
            StorageError: See `RegistryDatabase.opened`.
        """
        async with RegistryDatabase.opened(path, **options) as database:
            yield cls(database)

    async def load(self) -> Sequence[Registration]:
        """See `RegistrationStore.load`."""
        async with self._database.transaction() as connection:
            rows = (await connection.execute(select(_REGISTRATIONS))).all()
        try:
            return [_from_row(row) for row in rows]
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise StorageCorruptError(self._database.path, f"a registration in it cannot be read ({error})") from error

    async def save(self, registration: Registration, notices: Sequence[Notice] = ()) -> None:
        """See `RegistrationStore.save`."""
        row = _to_row(registration)
        statement = insert(_REGISTRATIONS).values(row).on_conflict_do_update(set_=row)
        async with self._database.transaction() as connection:
            await connection.execute(statement)
            await self._tell(connection, notices)

    async def remove(self, keys: Collection[InstanceKey], notices: Sequence[Notice] = ()) -> None:
        """See `RegistrationStore.remove`."""
        ordered = sorted(keys)
        key_columns = tuple_(_REGISTRATIONS.c.service, _REGISTRATIONS.c.instance_id)
        async with self._database.transaction() as connection:
            for start in range(0, len(ordered), _REMOVED_AT_ONCE):
                batch = ordered[start : start + _REMOVED_AT_ONCE]
                await connection.execute(_REGISTRATIONS.delete().where(key_columns.in_(batch)))
            await self._tell(connection, notices)

    async def _tell(self, connection: AsyncConnection, notices: Sequence[Notice]) -> None:
        if self._outbox is not None:
            await self._outbox.add(connection, [written(notice) for notice in notices])


def _to_row(registration: Registration) -> dict[str, Any]:
    check = registration.health_check
    return {
        "service": registration.service,
        "instance_id": registration.instance_id,
        "url": registration.url,
        "version": registration.version,
        "metadata_json": json.dumps(dict(registration.metadata)),
        "lease_s": registration.lease.total_seconds(),
        "registered_at": registration.registered_at.isoformat(),
        "zone": registration.zone,
        "tags_json": json.dumps(sorted(registration.tags)),
        "health_check_json": None if check is None else json.dumps(_check_to_json(check)),
    }


def _from_row(row: Row[Any]) -> Registration:
    metadata = json.loads(row.metadata_json)
    return Registration(
        service=row.service,
        instance_id=row.instance_id,
        url=row.url,
        version=row.version,
        metadata={str(name): str(value) for name, value in metadata.items()},
        lease=timedelta(seconds=row.lease_s),
        registered_at=datetime.fromisoformat(row.registered_at),
        zone=row.zone,
        tags=frozenset(map(str, json.loads(row.tags_json))),
        health_check=None if row.health_check_json is None else _check_from_json(json.loads(row.health_check_json)),
    )


def _check_to_json(check: HealthCheck) -> dict[str, Any]:
    return {
        "path": check.path,
        "interval_s": check.interval.total_seconds(),
        "timeout_s": check.timeout.total_seconds(),
        "unhealthy_after": check.unhealthy_after,
        "healthy_after": check.healthy_after,
    }


def _check_from_json(kept: dict[str, Any]) -> HealthCheck:
    return HealthCheck(
        path=str(kept["path"]),
        interval=timedelta(seconds=kept["interval_s"]),
        timeout=timedelta(seconds=kept["timeout_s"]),
        unhealthy_after=int(kept["unhealthy_after"]),
        healthy_after=int(kept["healthy_after"]),
    )
