"""Workflow documents in one SQLite file: the domain's `DefinitionStore`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, event, insert, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from maestro.domain.catalog import WorkflowKey
from maestro.domain.definitions import StoredDocument
from maestro.domain.errors import StorageError

_APPLICATION_ID: Final = 0x4D57464C  # "MWFL"
_FORMAT: Final = 1
_METADATA: Final = MetaData()
_DOCUMENTS: Final = Table(
    "documents",
    _METADATA,
    Column("number", Integer, primary_key=True),  # the order of registration decides which version is the latest
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("registered_at", Text, nullable=False),
    UniqueConstraint("namespace", "name", "version"),
)


class SqliteDefinitionStore:
    """Keeps documents in one SQLite file.

    Args:
        engine: An engine on the file.
        path: The file, for messages.
    """

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine = engine
        self._path = path

    @classmethod
    @asynccontextmanager
    async def opened(cls, path: Path) -> AsyncIterator[Self]:
        """Open the file while the block runs, making it when it is not there. Its folder must be there.

        Args:
            path: The file.

        Yields:
            The store.

        Raises:
            StorageError: The file is damaged, of another program or of a newer release, or cannot be written. Nothing
                was changed in it.
        """
        # A connection that cannot be made leaves a thread behind for a moment, so that the likely reason is met before.
        if not await asyncio.to_thread(path.parent.is_dir):
            raise StorageError(str(path), "cannot be made: its folder is not there")
        engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)), pool_size=1, max_overflow=0)
        event.listen(engine.sync_engine, "connect", _configure)
        store = cls(engine, path)
        try:
            await store._prepare()
            yield store
        finally:
            await engine.dispose()

    async def load(self) -> Sequence[StoredDocument]:
        """See `DefinitionStore.load`."""
        async with self._transaction() as connection:
            rows = (await connection.execute(select(_DOCUMENTS).order_by(_DOCUMENTS.c.number))).all()
        return [
            StoredDocument(WorkflowKey(row.namespace, row.name, row.version), row.source, row.digest) for row in rows
        ]

    async def add(self, document: StoredDocument) -> None:
        """See `DefinitionStore.add`."""
        values = {
            "namespace": document.key.namespace,
            "name": document.key.name,
            "version": document.key.version,
            "source": document.source,
            "digest": document.digest,
            "registered_at": datetime.now(UTC).isoformat(),
        }
        async with self._transaction() as connection:
            await connection.execute(insert(_DOCUMENTS).values(values))

    async def _prepare(self) -> None:
        async with self._transaction() as connection:
            application = await _scalar(connection, "PRAGMA application_id")
            version = await _scalar(connection, "PRAGMA user_version")
            if await _scalar(connection, "SELECT count(*) FROM sqlite_master"):
                if application != _APPLICATION_ID:
                    raise StorageError(str(self._path), "is an SQLite file of another program; nothing was changed")
                if version > _FORMAT:
                    message = f"has format {version}; this release reads up to {_FORMAT}. Upgrade maestro"
                    raise StorageError(str(self._path), message)
                found = await _scalar(connection, "PRAGMA quick_check(1)")
                if found != "ok":
                    raise StorageError(str(self._path), f"is damaged ({found}); nothing was changed")
                return
            await connection.run_sync(_METADATA.create_all)
            await connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
            await connection.exec_driver_sql(f"PRAGMA user_version = {_FORMAT}")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise _failed(self._path, error.orig or error) from error
        except sqlite3.Error as error:  # from `_configure`, which SQLAlchemy does not wrap
            raise _failed(self._path, error) from error


async def _scalar(connection: AsyncConnection, statement: str) -> Any:
    return (await connection.exec_driver_sql(statement)).scalar_one()


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # a registration is acknowledged once a power cut cannot undo it
    except sqlite3.Error:
        cursor.close()
        connection.close()  # the pool does not know the connection yet, and its thread would stay
        raise
    cursor.close()


def _failed(path: Path, cause: BaseException) -> StorageError:
    name = getattr(cause, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageError(str(path), f"is damaged or no database ({cause}); restore it or move it away")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return StorageError(str(path), f"cannot be written ({cause}); free some space and try again")
    return StorageError(str(path), f"cannot be used ({cause}); check that its folder is there and may be written")
