import asyncio
import errno
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from notes import Folder, make_tables, store
from sqlalchemy import func, select, text

from maestro_core_db import (
    Database,
    DatabaseBusyError,
    DatabaseCorruptError,
    DatabaseFullError,
    DatabaseOptions,
    DatabaseSettingsError,
    DatabaseUnavailableError,
    parse_url,
)


def options(path: Path, **changes: object) -> DatabaseOptions:
    return replace(
        DatabaseOptions(url=parse_url(f"sqlite:///{path}"), lock_timeout=timedelta(milliseconds=50)), **changes
    )


async def opened_only(path: Path | str) -> None:
    async with Database.opened(path):
        pass


async def filled(path: Path) -> None:
    async with Database.opened(path) as db:
        await make_tables(db)
        await store(db, *(Folder(name=f"{number:05} {'x' * 200}") for number in range(500)))


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """Opening makes the folders above the file."""
    path = tmp_path / "deep" / "er" / "notes.db"
    await opened_only(path)
    assert path.is_file()


async def test_a_place_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    """A file where the folder should be, and a folder where the file should be, are told with the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnavailableError, match=r"file/data/notes.db .*Not a directory"):
        await opened_only(tmp_path / "file" / "data" / "notes.db")
    with pytest.raises(DatabaseUnavailableError, match="Is a directory"):
        await opened_only(tmp_path)


async def test_memory_is_refused() -> None:
    """SQLite in memory is refused with what to take instead."""
    with pytest.raises(DatabaseSettingsError, match="temporary_sqlite"):
        await opened_only("sqlite://")


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """A file of something else is refused as it is, byte for byte, and no thread is left behind."""
    path = tmp_path / "notes.db"
    path.write_bytes(b"not a database at all " * 500)
    before, threads = path.read_bytes(), set(threading.enumerate())
    with pytest.raises(DatabaseCorruptError, match="restore it from a copy"):
        await opened_only(path)
    assert path.read_bytes() == before
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


async def test_a_damaged_page_is_told(tmp_path: Path) -> None:
    """Pages that are overwritten are an error when they are read, and not wrong rows."""
    path = tmp_path / "notes.db"
    await filled(path)
    pages = bytearray(path.read_bytes())
    pages[8_192:] = b"\xff" * (len(pages) - 8_192)
    path.write_bytes(bytes(pages))
    async with Database.opened(path) as db, db.reading() as session:
        with pytest.raises(DatabaseCorruptError, match="damaged"):
            await session.scalars(select(Folder.name).order_by(Folder.id.desc()))


async def test_the_settings_of_a_connection(tmp_path: Path) -> None:
    """Every connection writes ahead, waits for the disk, keeps references, and waits for locks."""
    async with (
        Database.opened(options(tmp_path / "notes.db", lock_timeout=timedelta(seconds=3))) as db,
        db.reading() as one,
        db.reading() as two,
        db.transaction() as three,
    ):
        for session in (one, two, three):
            found = [
                await session.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert found == ["wal", 2, 1, 3_000]


async def test_another_process_s_lock_is_waited_for_and_told(tmp_path: Path) -> None:
    """While another process holds the write lock for too long, reading goes on, and writing says who is in the way."""
    path = tmp_path / "notes.db"
    await filled(path)
    async with Database.opened(options(path)) as db:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseBusyError, match="another process"):
                await store(db, Folder(name="a"))
            async with db.reading() as session:
                assert await session.scalar(select(func.count()).select_from(Folder)) == 500
            await db.check()
        await store(db, Folder(name="a"))


async def test_a_unit_of_work_inside_another_is_told(tmp_path: Path) -> None:
    """A unit of work that is opened inside another one does not wait for ever: it is told what is wrong."""
    async with Database.opened(options(tmp_path / "notes.db")) as db:
        await make_tables(db)
        async with db.transaction() as session:
            with pytest.raises(DatabaseBusyError, match="inside another"):
                await store(db, Folder(name="inner"))
            session.add(Folder(name="outer"))
            await session.commit()
        await store(db, Folder(name="inner"))


FULL = """
import asyncio, resource, sys
sys.path.insert(0, {support!r})
from pathlib import Path
from notes import Folder, store
from sqlalchemy import func, select
from maestro_core_db import Database, DatabaseError

async def count(db):
    async with db.reading() as session:
        return await session.scalar(select(func.count()).select_from(Folder))

async def main(path):
    async with Database.opened(path) as db:
        limit = path.stat().st_size + 100_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        kept, refused = await count(db), None
        while refused is None:
            try:
                await store(db, Folder(name=f"{{kept}} " + "y" * 3_000))
                kept += 1
            except DatabaseError as error:
                refused = error.code
        during = await count(db)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await store(db, Folder(name="room again"))
        print(refused, during == kept, await count(db) == kept + 1)

import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_file_that_may_not_grow_loses_nothing(tmp_path: Path) -> None:
    """When no more can be written, the write is refused, all that was acknowledged is there, and it goes on with room."""
    path = tmp_path / "notes.db"
    asyncio.run(filled(path))
    program = FULL.format(support=str(Path(__file__).with_name("support")))
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout.split() == ["DATABASE_UNAVAILABLE", "True", "True"], done.stderr


def fill(ballast: Path) -> int | None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4_096))
        except OSError as error:
            return error.errno


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    if os.getuid() != 0:
        pytest.skip("mounting a small file system needs root; the test with a file size limit does without")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let a file system be mounted; the test with a file size limit does without")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


async def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """On a disk without a free block a write is refused as such, reading goes on, and writing too once there is room."""
    with small_disk(tmp_path):
        async with Database.opened(tmp_path / "notes.db") as db:
            await make_tables(db)
            await store(db, Folder(name="kept"))
            ballast = tmp_path / "ballast"
            assert fill(ballast) == errno.ENOSPC
            with pytest.raises(DatabaseFullError, match="make room"):
                await store(db, *(Folder(name=f"{number} {'x' * 1_000}") for number in range(200)))
            async with db.reading() as session:
                assert (await session.scalars(select(Folder.name))).all() == ["kept"]
            ballast.unlink()
            await store(db, Folder(name="room again"))


def test_the_limit_of_this_process_is_untouched() -> None:
    """The test with a limit has set it in its own process only."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
