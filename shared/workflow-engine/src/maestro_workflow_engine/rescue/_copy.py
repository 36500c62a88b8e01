"""A private copy of a journal that SQLite agrees to open, whatever has happened to the original."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from operator import itemgetter
from pathlib import Path

from maestro_workflow_engine._errors import JournalCorruptError, JournalError, JournalLockedError
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._lock import lock_of
from maestro_workflow_engine.rescue._reading import UNREADABLE

_MAGIC = b"SQLite format 3\x00"
_PAGE = 4096  # journals have SQLite's default page size
_LEAF_OR_INTERIOR = {2, 5, 10, 13}
_MAP_OF_ROOT = (
    b"\x01\x00\x00\x00\x00"  # a file that shrinks has a map on its second page; its first entry is a table's root
)
_MAP_BEGINNING = len(_MAP_OF_ROOT)
_MOST_FAULTS = 200
_OUR_TABLES = {"runs", "history"}


def copy_journal(path: Path, folder: Path) -> Path:
    """Copy a journal and its write-ahead log, reading only.

    Args:
        path: The journal.
        folder: Where the copy goes.

    Returns:
        The copy.

    Raises:
        JournalLockedError: An engine has the journal open.
        JournalError: It cannot be read, or there is no room for the copy.
    """
    copy = folder / "journal.db"
    try:
        with _unlocked(path):
            shutil.copyfile(path, copy)
            real = path.resolve()
            log = real.with_name(f"{real.name}-wal")
            if log.exists():
                shutil.copyfile(log, folder / "journal.db-wal")
    except OSError as error:
        raise JournalError(path, f"journal {path} cannot be copied to {folder}: {error.strerror}") from error
    return copy


def open_copy(copy: Path, path: Path, findings: list[str]) -> sqlite3.Connection:
    """Open the copy; a first page that cannot be read is replaced by that of a new journal.

    Args:
        copy: The copy.
        path: The original, for messages.
        findings: Takes what was found on the way.

    Returns:
        A connection for reading.

    Raises:
        JournalCorruptError: There is nothing of a journal in the file.
    """
    try:
        tables = _tables(copy)
    except UNREADABLE as error:
        _graft_first_page(copy, path)
        findings.append(f"the first page cannot be read ({error}); that of a new journal was taken in its place")
        try:
            tables = _tables(copy)
        except UNREADABLE as second:
            raise JournalCorruptError(path, f"nothing of {path} can be read: {second}") from second
    if not tables >= _OUR_TABLES:
        raise JournalCorruptError(path, f"{path} is no journal: it has no tables {' and '.join(sorted(_OUR_TABLES))}")
    connection = _connect(copy)
    with suppress(*UNREADABLE):  # then the copy's log is read where it is
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def _unlocked(path: Path) -> Iterator[None]:
    """Keep engines out while the files are copied; they would change under the copy."""
    try:
        lock = os.open(lock_of(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 32).decode(errors="replace").strip()
            raise JournalLockedError(path, int(holder) if holder.isdigit() else None) from None
        yield
    finally:
        os.close(lock)


def _connect(copy: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(copy, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    # Lets SQLite open a file that is shorter than its header says, and pass over a damaged schema.
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _tables(copy: Path) -> set[str]:
    with closing(_connect(copy)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        claims = connection.execute("PRAGMA application_id").fetchone()[0] == _schema.APPLICATION_ID
        if not names or (claims and not names >= _OUR_TABLES):
            raise sqlite3.DatabaseError("it does not name the tables of a journal")
        if names >= _OUR_TABLES:
            connection.execute("SELECT key, id, workflow, version, status FROM runs LIMIT 0")
            connection.execute("SELECT run, position, event FROM history LIMIT 0")
        return names


def _graft_first_page(copy: Path, path: Path) -> None:
    """Put the first page of an empty journal in place of the damaged one: of the layout with which the rest fits best."""
    size = copy.stat().st_size
    with copy.open("rb") as file:
        file.seek(_PAGE)
        second = file.read(_MAP_BEGINNING)
    shrinks = second.startswith(_MAP_OF_ROOT)
    if size < 2 * _PAGE or (not shrinks and second[0] not in _LEAF_OR_INTERIOR):
        raise JournalCorruptError(path, f"{path} is no journal, or nothing of it is left")
    fitting: list[tuple[int, bytes]] = []
    for model in _schema.layouts(copy.with_name("model.db"), gives_pages_back=shrinks):
        page = bytearray(model.read_bytes()[:_PAGE])
        page[28:32] = struct.pack(">I", size // _PAGE)  # pages in the file
        page[32:40] = bytes(8)  # no free pages that SQLite could look for
        _overwrite_first_page(copy, bytes(page))
        fitting.append((_faults(copy), bytes(page)))
    _overwrite_first_page(copy, min(fitting, key=itemgetter(0))[1])


def _overwrite_first_page(copy: Path, page: bytes) -> None:
    with copy.open("r+b") as file:
        file.write(page)


def _faults(copy: Path) -> int:
    try:
        with closing(_connect(copy)) as connection:
            return len(connection.execute(f"PRAGMA integrity_check({_MOST_FAULTS})").fetchall())
    except UNREADABLE:
        return _MOST_FAULTS + 1
