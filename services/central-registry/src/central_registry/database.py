"""The SQLite file of the registry: opened by one process, sound, of the present schema, in transactions."""

import errno
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .domain import StorageCorruptError, StorageError, StorageFullError, StorageUnavailableError
from .schema import MIGRATIONS

_LOCK_TIMEOUT: Final = timedelta(seconds=2)


class RegistryDatabase:
    """One SQLite file, which belongs to this process alone while it is open.

    Use `opened`.

    Args:
        engine: Engine on the file.
        path: The file, for messages.

    Attributes:
        engine: Engine on the file.
        path: The file.
    """

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self.engine = engine
        self.path = path

    @classmethod
    @asynccontextmanager
    async def opened(cls, path: Path, *, lock_timeout: timedelta = _LOCK_TIMEOUT) -> AsyncIterator["RegistryDatabase"]:
        """Open the file while the block runs; make it, and its folder, when it is not there.

        A file of an earlier schema is brought to the present one, all at once or not at all.

        Args:
            path: The database file.
            lock_timeout: How long to wait for another process, one that is just stopping, to let go of the file.

        Yields:
            The database. The file is sound, of the present schema, and can be written.

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
        database = cls(engine, path)
        try:
            await database._prepare_file()
            yield database
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Read and write, all or nothing.

        Yields:
            A connection; what it did is on disk when the block has ended without an error.

        Raises:
            StorageError: The file cannot be used; nothing of the block was kept.
        """
        try:
            async with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise _storage_error(self.path, error.orig) from error
        except sqlite3.Error as error:
            # The settings of a new connection fail without SQLAlchemy around them.
            raise _storage_error(self.path, error) from error

    async def _prepare_file(self) -> None:
        present = len(MIGRATIONS)
        async with self.transaction() as connection:
            # All or nothing, and in a write lock: a file that cannot be written must show now, not at a registration.
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            version = (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one()
            tables = (await connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")).scalar_one()
            if version > present:
                raise StorageCorruptError(
                    self.path, f"it has version {version} of the schema and this registry knows {present}"
                )
            if version == 0 and tables:
                raise StorageCorruptError(self.path, "it is a database of something else")
            finding = (await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar_one()
            if finding != "ok":
                raise StorageCorruptError(self.path, f"it is damaged ({finding})")
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    await connection.exec_driver_sql(statement)
            await connection.exec_driver_sql(f"PRAGMA user_version = {present}")


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
