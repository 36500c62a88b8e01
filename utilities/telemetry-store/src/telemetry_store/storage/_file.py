"""The file: opened, set aside when it is damaged, written by one thread and read by another."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from maestro_core_logging import get_logger
from telemetry_store.errors import StorageError

from ._schema import STEPS, VERSION

_T = TypeVar("_T")
_LOCK_TIMEOUT_S: Final = 5.0
_DAMAGE: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_logger = get_logger(__name__)


class TelemetryFile:
    """One SQLite file in WAL mode: one thread writes, another one reads beside it.

    Use `opened`.

    Args:
        path: The file.
        writing: The connection that writes.
        reading: The connection that reads.
    """

    def __init__(self, path: Path, writing: sqlite3.Connection, reading: sqlite3.Connection) -> None:
        self._path = path
        self._writing = writing
        self._reading = reading
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="telemetry-writer")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="telemetry-reader")

    @classmethod
    @asynccontextmanager
    async def opened(cls, path: Path) -> AsyncIterator["TelemetryFile"]:
        """Open the file while the block runs; make it when it is not there.

        A file that is damaged, or that a later version has made, is set aside under another name, which the log tells: what watches
        the services must not keep them from running.

        Args:
            path: The file.

        Yields:
            The file.

        Raises:
            StorageError: It cannot be made or read.
        """
        file = await asyncio.to_thread(_open, cls, path)
        try:
            yield file
        finally:
            await asyncio.to_thread(file.close)

    async def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do some work in a transaction of its own.

        Args:
            work: Gets the connection.

        Returns:
            What it returns, once that is on its way to the disk; a power cut may take the last moments.

        Raises:
            StorageError: It could not be done; nothing of it was.
        """
        return await self._run(self._writer, self._in_transaction, work)

    async def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Ask something.

        Args:
            work: Gets the connection.

        Returns:
            What it returns.

        Raises:
            StorageError: The file cannot be read.
        """
        return await self._run(self._reader, self._in_snapshot, work)

    async def _run(
        self,
        thread: ThreadPoolExecutor,
        how: Callable[[Callable[[sqlite3.Connection], _T]], _T],
        work: Callable[[sqlite3.Connection], _T],
    ) -> _T:
        with _as_storage_error(self._path):
            return await asyncio.get_running_loop().run_in_executor(thread, how, work)

    def _in_transaction(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with _transaction(self._writing, "BEGIN IMMEDIATE"):
            return work(self._writing)

    def _in_snapshot(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with _transaction(self._reading, "BEGIN"):
            return work(self._reading)

    def close(self) -> None:
        """Finish what has been given, and let go of the file."""
        for thread, connection in ((self._writer, self._writing), (self._reader, self._reading)):
            thread.submit(connection.close).result()
            thread.shutdown()


def _open(cls: type[TelemetryFile], path: Path) -> TelemetryFile:
    with _as_storage_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            writing = _prepared(path)
        except _UnusableError as error:
            aside = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}.unusable")
            for suffix in ("", "-wal", "-shm"):
                found = path.with_name(path.name + suffix)
                if found.exists():
                    found.rename(aside.with_name(aside.name + suffix))
            _logger.error("The file of telemetry cannot be used and was set aside", reason=str(error), aside=str(aside))
            writing = _prepared(path)
        reading = _connection(path)
        reading.execute("PRAGMA query_only = ON")
        return cls(path, writing, reading)


class _UnusableError(Exception):
    """The file is there, and is none of ours."""


def _prepared(path: Path) -> sqlite3.Connection:
    connection = _connection(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version > VERSION or (version == 0 and tables):
            raise _UnusableError(f"it has version {version} of the schema, and version {VERSION} is known here")
        finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if finding != "ok":
            raise _UnusableError(f"it is damaged: {finding}")
        if version < VERSION:
            missing = "".join(STEPS[version:])
            connection.executescript(f"BEGIN IMMEDIATE;{missing}PRAGMA user_version = {VERSION};COMMIT;")
    except sqlite3.DatabaseError as error:
        connection.close()
        if (getattr(error, "sqlite_errorname", None) or "").startswith(_DAMAGE):
            raise _UnusableError(str(error)) from error
        raise
    except _UnusableError:
        connection.close()
        raise
    return connection


def _connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        # Losing the last instants of telemetry in a power cut is no harm; damage would be, and WAL keeps from that.
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.DatabaseError as error:
        connection.close()
        if (getattr(error, "sqlite_errorname", None) or "").startswith(_DAMAGE):
            raise _UnusableError(str(error)) from error
        raise
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _as_storage_error(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(path, str(error)) from error
    except OSError as error:
        raise StorageError(path, error.strerror or str(error)) from error
