"""Registrations in a SQLite file: the domain's `RegistrationStore`."""

import errno
import json
import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Float, MetaData, Row, Table, Text, event, select, tuple_
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .domain import (
    InstanceKey,
    Registration,
    StorageCorruptError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)

_SCHEMA_VERSION: Final = 1
_LOCK_TIMEOUT: Final = timedelta(seconds=2)
_REMOVED_AT_ONCE: Final = 500

_METADATA: Final = MetaData()
_REGISTRATIONS: Final = Table(
    "registrations",
    _METADATA,
    Column("service", Text, primary_key=True),
    Column("instance_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("metadata_json", Text, nullable=False),
    Column("lease_s", Float, nullable=False),
    Column("registered_at", Text, nullable=False),
    sqlite_with_rowid=False,
)


class SqliteRegistrationStore:
    """Keeps registrations in one SQLite file, which belongs to this process alone while it is open.

    Use `opened`.

    Args:
        engine: Engine on the file.
        path: The file, for messages.
    """

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine = engine
        self._path = path

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, path: Path, *, lock_timeout: timedelta = _LOCK_TIMEOUT
    ) -> AsyncIterator["SqliteRegistrationStore"]:
        """Open the file while the block runs; make it, and its folder, when it is not there.

        Args:
            path: The database file.
            lock_timeout: How long to wait for another process, one that is just stopping, to let go of the file.

        Yields:
            The store. The file is sound, of a known version, and can be written.

        Raises:
            StorageError: It cannot be used; the message names the file and says what to do. Nothing was overwritten.
        """
        _make_file(path)
        # One connection: the registry writes one thing at a time, and a second one would be locked out.
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(path)),
            connect_args={"timeout": lock_timeout.total_seconds()},
            pool_size=1,
            max_overflow=0,
        )
        event.listen(engine.sync_engine, "connect", _prepare_connection)
        store = cls(engine, path)
        try:
            await store._prepare_file()
            yield store
        finally:
            await engine.dispose()

    async def load(self) -> Sequence[Registration]:
        """See `RegistrationStore.load`."""
        async with self._transaction() as connection:
            rows = (await connection.execute(select(_REGISTRATIONS))).all()
        try:
            return [_from_row(row) for row in rows]
        except (ValueError, TypeError, AttributeError) as error:
            raise StorageCorruptError(self._path, f"a registration in it cannot be read ({error})") from error

    async def save(self, registration: Registration) -> None:
        """See `RegistrationStore.save`."""
        row = _to_row(registration)
        statement = insert(_REGISTRATIONS).values(row).on_conflict_do_update(set_=row)
        async with self._transaction() as connection:
            await connection.execute(statement)

    async def remove(self, keys: Collection[InstanceKey]) -> None:
        """See `RegistrationStore.remove`."""
        ordered = sorted(keys)
        key_columns = tuple_(_REGISTRATIONS.c.service, _REGISTRATIONS.c.instance_id)
        async with self._transaction() as connection:
            for start in range(0, len(ordered), _REMOVED_AT_ONCE):
                batch = ordered[start : start + _REMOVED_AT_ONCE]
                await connection.execute(_REGISTRATIONS.delete().where(key_columns.in_(batch)))

    async def _prepare_file(self) -> None:
        async with self._transaction() as connection:
            # All or nothing, and in a write lock: a file that cannot be written must show now, not at a registration.
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            version = (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one()
            tables = (await connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")).scalar_one()
            if version > _SCHEMA_VERSION:
                raise StorageCorruptError(
                    self._path, f"it has version {version} of the schema and this registry knows {_SCHEMA_VERSION}"
                )
            if version == 0 and tables:
                raise StorageCorruptError(self._path, "it is a database of something else")
            finding = (await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar_one()
            if finding != "ok":
                raise StorageCorruptError(self._path, f"it is damaged ({finding})")
            await connection.run_sync(_METADATA.create_all)
            await connection.exec_driver_sql(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise _storage_error(self._path, error.orig) from error
        except sqlite3.Error as error:
            # The settings of a new connection fail without SQLAlchemy around them.
            raise _storage_error(self._path, error) from error


def _make_file(path: Path) -> None:
    # SQLite would say of all of this that it is unable to open the file; the system says why.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
    except OSError as error:
        failure = StorageFullError if error.errno in {errno.ENOSPC, errno.EDQUOT} else StorageUnavailableError
        raise failure(path, f"it cannot be opened for writing ({error.strerror})") from error


def _prepare_connection(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        # Two registries on one file would each believe their own memory, so the second one is locked out.
        cursor.execute("PRAGMA locking_mode = EXCLUSIVE")
        cursor.execute("PRAGMA journal_mode = WAL")
        # A registration is acknowledged once it would survive a power cut.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()
    except sqlite3.Error:
        # The pool drops a connection that it could not prepare without ending its thread.
        connection.close()
        raise


def _storage_error(path: Path, cause: BaseException | None) -> StorageError:
    name = getattr(cause, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_FULL"):
        return StorageFullError(path, "the disk is full")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageCorruptError(path, f"it is damaged or no database ({cause})")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageUnavailableError(path, "another process holds it")
    return StorageUnavailableError(path, f"it cannot be used ({cause})")


def _to_row(registration: Registration) -> dict[str, Any]:
    return {
        "service": registration.service,
        "instance_id": registration.instance_id,
        "url": registration.url,
        "version": registration.version,
        "metadata_json": json.dumps(dict(registration.metadata)),
        "lease_s": registration.lease.total_seconds(),
        "registered_at": registration.registered_at.isoformat(),
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
    )
