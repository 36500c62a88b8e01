import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from maestro.domain.catalog import WorkflowKey
from maestro.domain.definitions import StoredDocument
from maestro.domain.errors import StorageError
from maestro.storage import SqliteDefinitionStore


def _document(version: str, name: str = "job") -> StoredDocument:
    return StoredDocument(WorkflowKey("tests", name, version), b"do: \xc3\xbc", "digest")


async def test_documents_come_back_in_the_order_of_registration(tmp_path: Path) -> None:
    """What was added is there when the file is opened again, to the byte and in the same order."""
    documents = [_document("2.0.0"), _document("1.0.0"), _document("3.0.0", "another")]
    async with SqliteDefinitionStore.opened(tmp_path / "d.db") as store:
        assert await store.load() == []
        for document in documents:
            await store.add(document)
    async with SqliteDefinitionStore.opened(tmp_path / "d.db") as store:
        assert await store.load() == documents


@pytest.mark.parametrize("content", [b"no database " * 500, b"SQLite format 3\x00" + b"\x07" * 4_000])
async def test_a_damaged_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    """A file that is no database, or a broken one, is refused by name and not changed."""
    path = tmp_path / "d.db"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="is damaged or no database") as caught:
        async with SqliteDefinitionStore.opened(path):
            pass
    assert caught.value.path == str(path)
    assert path.read_bytes() == content


async def test_the_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    """A sound database that is not ours is refused, and gets no table of ours."""
    path = tmp_path / "d.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StorageError, match="another program"):
        async with SqliteDefinitionStore.opened(path):
            pass
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


async def test_a_newer_format_is_not_touched(tmp_path: Path) -> None:
    """A file of a newer release is refused with the advice to upgrade."""
    path = tmp_path / "d.db"
    async with SqliteDefinitionStore.opened(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match=r"has format 99.*Upgrade"):
        async with SqliteDefinitionStore.opened(path):
            pass


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A file that cannot be made is a clear error."""
    with pytest.raises(StorageError, match="its folder is not there"):
        async with SqliteDefinitionStore.opened(tmp_path / "gone" / "d.db"):
            pass


async def test_a_document_that_the_disk_refuses_is_not_kept(tmp_path: Path) -> None:
    """When the file cannot grow the error says what to do, and the documents from before are all there."""
    path = tmp_path / "d.db"
    async with SqliteDefinitionStore.opened(path) as store:
        await store.add(_document("1.0.0"))
        async with store._transaction() as connection:
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        large = StoredDocument(WorkflowKey("tests", "job", "2.0.0"), b"x" * 100_000, "digest")
        with pytest.raises(StorageError, match="free some space"):
            await store.add(large)
        assert await store.load() == [_document("1.0.0")]
