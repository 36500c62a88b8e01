"""Writing a closed journal anew, without the pages that nothing uses: into a file beside it, which then takes its place."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from maestro_workflow_engine._errors import JournalCorruptError, JournalError
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._lock import JournalLock


class CompactReport(msgspec.Struct, frozen=True):
    """What compacting a journal came to.

    Attributes:
        path: The journal.
        before_bytes: Its size, with its write-ahead log, before.
        after_bytes: Its size now.
    """

    path: str
    before_bytes: int
    after_bytes: int


def compact_journal(path: Path | str) -> CompactReport:
    """Write a journal anew without what is free in it. Afterwards it shrinks by itself, also when an older release made it.

    The new file is written beside the old one, checked, and takes its place in one move: whatever happens on the way, the
    journal is the old one or the new one, whole. There must be room for both.

    Args:
        path: The journal's file. No engine may have it open.

    Returns:
        The sizes.

    Raises:
        JournalLockedError: An engine has it open.
        JournalCorruptError: It is damaged or no journal; it is as it was.
        JournalVersionError: A newer release wrote it; it is as it was.
        JournalError: It cannot be read, or there is no room for the new file; it is as it was.
    """
    path = Path(path)
    if not path.is_file():
        raise JournalError(path, f"there is no journal {path}")
    lock = JournalLock(str(path))
    try:
        lock.acquire()
    except OSError as error:
        raise JournalError(path, f"journal {path} cannot be locked: {error.strerror}") from error
    fresh = path.with_name(f"{path.name}.compact")
    try:
        before = _size(path) + _size(path.with_name(f"{path.name}-wal"))
        fresh.unlink(missing_ok=True)  # somebody died here before
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))  # payloads will be in it
        _write_anew(path, fresh)
        _check(path, fresh)
        _replace(path, fresh)
        return CompactReport(str(path), before, _size(path))
    except OSError as error:
        raise JournalError(path, f"journal {path} cannot be compacted: {error.strerror}; it is as it was") from error
    finally:
        fresh.unlink(missing_ok=True)
        lock.release()


def _write_anew(path: Path, fresh: Path) -> None:
    _schema.connect(str(path), read_only=True).close()  # it knows files of other programs and of newer releases
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise JournalCorruptError(path, f"journal {path} is damaged ({found}); it is as it was")
            # The log's content goes into the file and the log goes away: it must not be taken for the new file's.
            if connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
                raise JournalError(path, f"journal {path} cannot be compacted: another program has it open")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM INTO ?", (str(fresh),))
        except sqlite3.OperationalError as error:
            needed = _size(path)
            raise JournalError(
                path,
                f"journal {path} cannot be compacted: {error}. Beside it there must be room for up to {needed:,} bytes; it is as it was",
            ) from error
        except sqlite3.DatabaseError as error:
            raise JournalCorruptError(path, f"journal {path} is damaged ({error}); it is as it was") from error


def _check(path: Path, fresh: Path) -> None:
    """See that the new file is sound and holds as much as the old one."""
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(fresh)) as new:
        try:
            found = new.execute("PRAGMA integrity_check(1)").fetchone()[0]
            differs = _summary(old) != _summary(new)
        except sqlite3.DatabaseError as error:
            found, differs = str(error), True
    if found != "ok" or differs:
        raise JournalError(
            path, f"the compacted copy of journal {path} is not as it should be ({found}); the journal is as it was"
        )


def _summary(connection: sqlite3.Connection) -> list[object]:
    """Return what both files must have in common: marks, tables, and how many rows each of them has."""
    marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    shape = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
    tables = [name for kind, name, _ in shape if kind == "table"]
    counts = [connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables]  # noqa: S608  the file's own names
    return [marks, shape, counts]


def _replace(path: Path, fresh: Path) -> None:
    shutil.copymode(path, fresh)
    stat = path.stat()
    if (stat.st_uid, stat.st_gid) != (fresh.stat().st_uid, fresh.stat().st_gid):
        os.chown(fresh, stat.st_uid, stat.st_gid)
    _sync(fresh)
    crash_points.reach(crash_points.COMPACTED)
    fresh.replace(path)
    _sync(path.absolute().parent)


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
