"""SQLite: one file, many readers, one writer at a time."""

import asyncio
import errno
import sqlite3
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from ._backend import Isolation
from ._errors import (
    ConstraintKind,
    ConstraintViolatedError,
    DatabaseBusyError,
    DatabaseCorruptError,
    DatabaseError,
    DatabaseFullError,
    DatabaseReadOnlyError,
    DatabaseSettingsError,
    DatabaseUnavailableError,
    QueryTimeoutError,
)
from ._settings import DatabaseOptions
from ._url import DatabaseKind, DatabaseUrl

BEGIN: Final = "maestro_begin"
_WAL_PAUSES_S: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_READ_ONLY: Final = "maestro_query_only"
_CONSTRAINTS: Final[dict[str, ConstraintKind]] = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_ROWID": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
    "SQLITE_CONSTRAINT_NOTNULL": "not_null",
    "SQLITE_CONSTRAINT_CHECK": "check",
}


class Sqlite:
    """See `Backend`."""

    kind: DatabaseKind = "sqlite"
    has_one_writer = True

    def engine(self, options: DatabaseOptions, **engine_options: Any) -> AsyncEngine:
        """See `Backend.engine`."""
        pool: dict[str, Any] = {
            "pool_size": options.pool_size,
            "max_overflow": options.pool_overflow,
            "pool_timeout": options.pool_timeout.total_seconds(),
        }
        if options.url.is_in_memory:
            raise DatabaseSettingsError(
                "SQLite in memory would give every connection a database of its own: name a file; tests take "
                "maestro_core_db.testing.temporary_sqlite()"
            )
        _make_file(options.url)
        engine = create_async_engine(
            options.url.url,
            connect_args={"timeout": options.lock_timeout.total_seconds()},
            **(engine_options or pool),
        )
        event.listen(engine.sync_engine, "connect", _prepare)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine

    def writing(self, isolation: Isolation | None) -> dict[str, Any]:
        """See `Backend.writing`."""
        # A transaction that begins with reading and then writes is refused at once when somebody wrote in between.
        return {BEGIN: "IMMEDIATE"}

    def reading(self, isolation: Isolation | None) -> dict[str, Any]:
        """See `Backend.reading`."""
        return {BEGIN: "DEFERRED"}

    async def prove(self, connection: AsyncConnection) -> None:
        """See `Backend.prove`."""
        await connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")

    def translated(self, error: BaseException, place: str) -> DatabaseError | None:
        """See `Backend.translated`."""
        name = getattr(error, "sqlite_errorname", None) or ""
        if name.startswith("SQLITE_CONSTRAINT"):
            return _constraint(name, str(error))
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return DatabaseBusyError(f"{place} is locked: another process writes to it for too long; try again later")
        if name == "SQLITE_FULL":
            return DatabaseFullError(f"the disk of {place} is full: make room on it")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return DatabaseCorruptError(
                f"{place} is damaged or no SQLite database ({error}): restore it from a copy; it was left as it is"
            )
        if name.startswith("SQLITE_READONLY"):
            return DatabaseReadOnlyError(
                f"{place} can only be read: use transaction() to write, and check its permissions"
            )
        if name == "SQLITE_INTERRUPT":
            return QueryTimeoutError(f"a statement on {place} was interrupted")
        if name.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PROTOCOL", "SQLITE_PERM", "SQLITE_NOLFS")):
            return DatabaseUnavailableError(f"{place} cannot be used ({error}, {name}): check its folder and disk")
        return None


def _make_file(url: DatabaseUrl) -> None:
    # SQLite would say of all of this that it is unable to open the file; the system says why.
    try:
        url.path.parent.mkdir(parents=True, exist_ok=True)
        with url.path.open("ab"):
            pass
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DatabaseFullError(f"{url} cannot be made, its disk is full: make room on it") from error
        raise DatabaseUnavailableError(
            f"{url} cannot be opened for writing ({error.strerror}): check the folder and its permissions"
        ) from error


def _prepare(connection: Any, _record: object) -> None:
    # Transactions begin where we say so; the driver would begin one only at the first change.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        _use_wal(cursor)
        # What is acknowledged survives a power cut.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
    except sqlite3.Error:
        # The pool drops a connection that it could not prepare without ending its thread.
        connection.close()
        raise


def _use_wal(cursor: Any) -> None:
    cursor.execute("PRAGMA journal_mode")
    if cursor.fetchone()[0] == "wal":
        return
    # The change of a new file does not wait for another process that is just making it, whatever the timeout says.
    for pause_s in (*_WAL_PAUSES_S, None):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if pause_s is None:
                raise
        await_only(asyncio.sleep(pause_s))


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get(BEGIN, "IMMEDIATE")
    only_reads = mode == "DEFERRED"
    if connection.info.get(_READ_ONLY, False) is not only_reads:
        connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if only_reads else 'OFF'}")
        connection.info[_READ_ONLY] = only_reads
    connection.exec_driver_sql(f"BEGIN {mode}")


def _constraint(name: str, message: str) -> ConstraintViolatedError:
    kind = _CONSTRAINTS.get(name, "other")
    # "UNIQUE constraint failed: orders.number"; of foreign keys SQLite does not say which.
    _, _, constraint = message.partition(": ")
    return ConstraintViolatedError(message, kind=kind, constraint=constraint or None)
