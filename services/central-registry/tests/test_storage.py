import os
import sqlite3
import threading
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from central_registry import database, schema
from central_registry.domain import (
    HealthCheck,
    InstanceKey,
    Registration,
    StorageCorruptError,
    StorageFullError,
    StorageUnavailableError,
)
from central_registry.storage import SqliteRegistrationStore

REGISTRATION = Registration(
    service="echo",
    instance_id="a",
    url="http://127.0.0.1:1",
    version="1.0.0",
    metadata={"zone": "a", "note": "\N{GREEK SMALL LETTER ALPHA} \x00 \"quoted'"},
    lease=timedelta(seconds=10.5),
    registered_at=datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=UTC),
    zone="eu-1a",
    tags=frozenset({"canary", "blue"}),
    health_check=HealthCheck("/health/ready", interval=timedelta(seconds=1.5), unhealthy_after=5),
)

# As the first version's SQLAlchemy metadata wrote it.
FIRST_SCHEMA = """
CREATE TABLE registrations (
    service TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    url TEXT NOT NULL,
    version TEXT NOT NULL,
    metadata_json TEXT NOT NULL,
    lease_s FLOAT NOT NULL,
    registered_at TEXT NOT NULL,
    PRIMARY KEY (service, instance_id)
)
 WITHOUT ROWID
"""


def opened(path: Path) -> AbstractAsyncContextManager[SqliteRegistrationStore]:
    return SqliteRegistrationStore.opened(path, lock_timeout=timedelta(milliseconds=50))


async def filled(path: Path, count: int = 200) -> None:
    """Write a file that has more than its first page."""
    async with opened(path) as store:
        for number in range(count):
            await store.save(replace(REGISTRATION, instance_id=f"{number:04}", metadata={"text": "x" * 100}))


async def test_what_was_saved_is_there_after_reopening(tmp_path: Path) -> None:
    """A registration survives closing the file, equal in every field."""
    path = tmp_path / "registry.db"
    async with opened(path) as store:
        assert await store.load() == []
        await store.save(REGISTRATION)
    async with opened(path) as store:
        assert await store.load() == [REGISTRATION]


async def test_saving_replaces_by_key(tmp_path: Path) -> None:
    """Saving the same instance again replaces it; other instances stay."""
    other = replace(REGISTRATION, instance_id="b")
    changed = replace(REGISTRATION, url="http://127.0.0.1:2", lease=timedelta(seconds=60))
    async with opened(tmp_path / "registry.db") as store:
        for registration in (REGISTRATION, other, changed):
            await store.save(registration)
        assert sorted(await store.load(), key=lambda each: each.instance_id) == [changed, other]


async def test_removing_takes_only_the_named(tmp_path: Path) -> None:
    """Removing takes the pairs that were named, more than fit into one statement, and no others."""
    async with opened(tmp_path / "registry.db") as store:
        await store.save(REGISTRATION)
        await store.save(replace(REGISTRATION, instance_id="b"))
        await store.save(replace(REGISTRATION, service="other"))
        gone = [InstanceKey("echo", "b"), *(InstanceKey("never", str(number)) for number in range(1_200))]
        await store.remove(gone)
        assert {each.key for each in await store.load()} == {InstanceKey("echo", "a"), InstanceKey("other", "a")}


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """Opening makes the folders above the file."""
    async with opened(tmp_path / "deep" / "er" / "registry.db") as store:
        await store.save(REGISTRATION)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """When a file stands where the folder should be, the error names the database and the reason."""
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "data" / "registry.db"
    with pytest.raises(StorageUnavailableError, match="Not a directory") as caught:
        async with opened(path):
            pass
    assert caught.value.path == path
    assert str(path) in str(caught.value)
    assert caught.value.hint in str(caught.value)


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """When the path is a folder, the error says that the file cannot be used."""
    with pytest.raises(StorageUnavailableError, match="Is a directory"):
        async with opened(tmp_path):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="the super-user may write everywhere")
async def test_a_read_only_file_is_refused_at_the_start(tmp_path: Path) -> None:
    """A file that may only be read is refused when it is opened and not at the first registration."""
    path = tmp_path / "registry.db"
    await filled(path, 1)
    path.chmod(0o400)
    with pytest.raises(StorageUnavailableError, match="denied"):
        async with opened(path):
            pass


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """A file of something else is refused as it is, byte for byte, and no thread is left behind."""
    path = tmp_path / "registry.db"
    path.write_bytes(b"not a database at all " * 500)
    before, threads = path.read_bytes(), set(threading.enumerate())
    with pytest.raises(StorageCorruptError, match="not a database"):
        async with opened(path):
            pass
    assert path.read_bytes() == before
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


async def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A SQLite database with other tables is refused and gets none of the registry's."""
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (id TEXT)")
    with pytest.raises(StorageCorruptError, match="something else"):
        async with opened(path):
            pass
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]


async def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    """A file that a newer registry wrote is refused with both versions, and keeps its own."""
    path = tmp_path / "registry.db"
    await filled(path, 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(StorageCorruptError, match="version 7 of the schema and this registry knows 3"):
        async with opened(path):
            pass
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (7,)


async def test_a_file_of_the_first_schema_is_taken_over(tmp_path: Path) -> None:
    """What the first version of the registry wrote is known after the start, with nothing said of what is new."""
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(FIRST_SCHEMA)
        connection.execute("PRAGMA user_version = 1")
        row = ("echo", "a", "http://127.0.0.1:1", "1.0.0", '{"zone": "a"}', 10.5, "2026-01-01T12:00:00.123456+00:00")
        connection.execute("INSERT INTO registrations VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    expected = replace(REGISTRATION, metadata={"zone": "a"}, zone=None, tags=frozenset(), health_check=None)
    for _ in range(2):
        async with opened(path) as store:
            assert await store.load() == [expected]
    async with opened(path) as store:
        await store.save(REGISTRATION)
        assert await store.load() == [REGISTRATION]


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a statement of a migration fails, the file keeps the schema and the rows that it had."""
    path = tmp_path / "registry.db"
    await filled(path, 1)
    broken = (*schema.MIGRATIONS, ("DELETE FROM registrations", "ALTER TABLE absent ADD COLUMN more TEXT"))
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    with pytest.raises(StorageUnavailableError, match="no such table"):
        async with opened(path):
            pass
    monkeypatch.undo()
    async with opened(path) as store:
        assert len(await store.load()) == 1


async def test_damage_in_the_middle_is_found_at_the_start(tmp_path: Path) -> None:
    """A page overwritten in the middle of the file is found when it is opened, and the file is left as it is."""
    path = tmp_path / "registry.db"
    await filled(path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4_096 * 4_096
    content[middle : middle + 4_096] = bytes(4_096)
    path.write_bytes(content)
    with pytest.raises(StorageCorruptError, match="damaged"):
        async with opened(path):
            pass
    assert path.read_bytes() == bytes(content)


async def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    """A file that was cut off is refused."""
    path = tmp_path / "registry.db"
    await filled(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StorageCorruptError):
        async with opened(path):
            pass


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("metadata_json", "{"),
        ("metadata_json", "[]"),
        ("registered_at", "yesterday"),
        ("lease_s", "long"),
        ("tags_json", "7"),
        ("health_check_json", "{}"),
    ],
)
async def test_a_registration_that_makes_no_sense_is_refused(tmp_path: Path, column: str, value: str) -> None:
    """A row that is no registration makes loading fail, instead of being skipped or invented."""
    path = tmp_path / "registry.db"
    await filled(path, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE registrations SET {column} = ?", (value,))
    async with opened(path) as store:
        with pytest.raises(StorageCorruptError, match="cannot be read"):
            await store.load()


async def test_a_second_registry_is_locked_out(tmp_path: Path) -> None:
    """While one store has the file open, another is refused; afterwards it may have it."""
    path = tmp_path / "registry.db"
    async with opened(path) as store:
        with pytest.raises(StorageUnavailableError, match="another process holds it"):
            async with opened(path):
                pass
        await store.save(REGISTRATION)
    async with opened(path) as store:
        assert await store.load() == [REGISTRATION]


async def test_a_full_disk_refuses_and_keeps(tmp_path: Path) -> None:
    """A write without room fails as such, what was kept stays, and writing works when there is room again."""
    async with opened(tmp_path / "registry.db") as store:
        await store.save(REGISTRATION)
        await _pragma(store, "max_page_count = 3")
        big = replace(REGISTRATION, instance_id="big", metadata={"text": "x" * 50_000})
        with pytest.raises(StorageFullError, match="disk is full"):
            await store.save(big)
        assert await store.load() == [REGISTRATION]
        await _pragma(store, "max_page_count = 1000")
        await store.save(big)
        assert len(await store.load()) == 2


async def test_a_disk_that_turns_read_only_refuses_and_keeps(tmp_path: Path) -> None:
    """A write to a database that became read-only fails as unavailable, and reading goes on."""
    async with opened(tmp_path / "registry.db") as store:
        await store.save(REGISTRATION)
        await _pragma(store, "query_only = 1")
        with pytest.raises(StorageUnavailableError, match="readonly"):
            await store.remove([REGISTRATION.key])
        assert await store.load() == [REGISTRATION]


async def _pragma(store: SqliteRegistrationStore, setting: str) -> None:
    async with store._database.engine.connect() as connection:
        await connection.exec_driver_sql(f"PRAGMA {setting}")
