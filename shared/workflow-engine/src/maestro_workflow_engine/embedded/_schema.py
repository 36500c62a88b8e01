"""The journal file: its format, its version, and how it is opened without ever harming a file that is not ours."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from maestro_workflow_engine._errors import JournalCorruptError, JournalError, JournalVersionError
from maestro_workflow_engine.embedded import _migrations

_MAGIC = b"SQLite format 3\x00"
APPLICATION_ID = 0x4D415354  # "MAST"
FORMAT_VERSION = _migrations.LATEST_VERSION
_GIVES_PAGES_BACK = "PRAGMA auto_vacuum = INCREMENTAL"
_LARGEST_IDLE_LOG_BYTES = 32 * 1024 * 1024

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE runs (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    workflow    TEXT NOT NULL,
    version     TEXT NOT NULL,
    status      TEXT NOT NULL,
    created_us  INTEGER NOT NULL,
    finished_us INTEGER,
    parent_key  INTEGER,
    parent_seq  INTEGER,
    parked      INTEGER NOT NULL DEFAULT 0,
    wake_us     INTEGER
);
CREATE INDEX runs_by_status ON runs (status, key);
CREATE INDEX runs_by_parent ON runs (parent_key, key) WHERE parent_key IS NOT NULL;
CREATE TABLE history (
    run      INTEGER NOT NULL,
    position INTEGER NOT NULL,
    event    BLOB NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {_migrations.BASE_VERSION};
COMMIT;
"""


def connect(path: str, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the journal, making it when it is not there.

    Args:
        path: The file.
        read_only: Whether the connection only reads; the file must then exist.

    Returns:
        A connection in autocommit mode that any one thread at a time may use.

    Raises:
        JournalCorruptError: The file is damaged or is no journal.
        JournalVersionError: The file comes from a newer release.
        JournalError: The file cannot be opened.
    """
    if not read_only:
        _refuse_cut_off(path)
        _make_private(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    except sqlite3.OperationalError as error:
        raise JournalError(
            path, f"journal {path} cannot be opened: {error}. Does its folder exist and may it be written?"
        ) from error
    try:
        _prepare(connection, path, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def layouts(path: Path, *, gives_pages_back: bool) -> Iterator[Path]:
    """Make empty journals in the layouts that a journal can have, each in the place of the one before.

    Args:
        path: Where.
        gives_pages_back: Whether the file is of the kind that shrinks; files of older releases are not.

    Yields:
        The path, once for a journal as it is made, and once as it is after it was compacted.
    """
    for compacted in (False, True) if gives_pages_back else (False,):
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            if gives_pages_back:
                connection.execute(_GIVES_PAGES_BACK)
            connection.executescript(_SCHEMA)
            _migrations.migrate(connection, _migrations.BASE_VERSION)
            if compacted:
                connection.execute("VACUUM")
            connection.execute("PRAGMA journal_mode = WAL")
        yield path


def _make_private(path: str) -> None:
    """Make the file, where there is none, for its owner alone: payloads are in it. SQLite gives its log the same mode."""
    with contextlib.suppress(OSError):  # SQLite then says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _prepare(connection: sqlite3.Connection, path: str, *, read_only: bool) -> None:
    try:
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application_id != APPLICATION_ID:
            raise JournalCorruptError(
                path, f"{path} is an SQLite file of another program, not a journal; nothing was changed"
            )
        if version > FORMAT_VERSION:
            raise JournalVersionError(path, version, FORMAT_VERSION)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            return
        if not tables:  # it counts only while the file is empty, and switching to WAL writes its first page
            connection.execute(_GIVES_PAGES_BACK)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute(f"PRAGMA journal_size_limit = {_LARGEST_IDLE_LOG_BYTES}")
        if not tables:
            connection.executescript(_SCHEMA)
        elif (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise JournalCorruptError.damaged(path, f"is damaged ({found})")
        _migrations.migrate(connection, version if tables else _migrations.BASE_VERSION)
    except sqlite3.OperationalError as error:
        raise JournalError(path, f"journal {path} cannot be opened: {error}") from error
    except (sqlite3.DatabaseError, UnicodeError) as error:
        raise JournalCorruptError.damaged(path, f"is damaged or no journal ({error})") from error


def cut_off(path: str) -> str | None:
    """Return what is missing at the end of a file, in words; None when nothing is.

    SQLite takes it for zeros, and finds nothing wrong where it ends within a page or what is missing held nothing.
    To be looked at before SQLite has the file open, because closing it gives up all locks that this process has on it.
    """
    file, log = Path(path), Path(f"{Path(path).resolve()}-wal")
    if not file.is_file() or (log.exists() and log.stat().st_size):  # with a log, the rest may be in there
        return None
    with file.open("rb") as opened:
        header = opened.read(100)
    if len(header) < 100 or not header.startswith(_MAGIC):
        return None  # SQLite says what is wrong with it
    page_bytes, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
    expected, found = (page_bytes if page_bytes > 1 else 65_536) * pages, file.stat().st_size
    return f"is cut off: it has {found:,} bytes of {expected:,}" if found < expected else None


def _refuse_cut_off(path: str) -> None:
    what = cut_off(path)
    if what is not None:
        raise JournalCorruptError.damaged(path, what)


def parent_folder_exists(path: str) -> bool:
    """Tell whether the folder that is to hold the journal is there."""
    return Path(path).absolute().parent.is_dir()
