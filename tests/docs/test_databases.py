"""The examples of docs/databases.md do what the page says."""

import asyncio
import importlib
import unittest
from contextlib import aclosing
from pathlib import Path

import pytest

from maestro_core_db import Database, Migrations, Outbox
from maestro_core_db.testing import TemporaryDatabase
from maestro_core_messaging import Broker, OutboxRelay, read_as, read_event

pytest_plugins = ["maestro_core_db.testing.fixtures"]
EXAMPLES = Path(__file__).parents[2] / "docs" / "databases"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)


def test_the_page_s_tests_pass() -> None:
    """The test case of the page passes, on a PostgreSQL server of its own."""
    case = importlib.import_module("test_notes").NotesTest
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert result.testsRun == 2
    assert result.wasSuccessful(), result.errors + result.failures


async def test_the_page_s_models_are_what_its_migrations_make(temporary_database: TemporaryDatabase) -> None:
    """On both databases the tables are what the models say, and all of it can be taken back."""
    migrations = Migrations("notes_migrations")
    async with Database.opened(temporary_database.url, service_name="notes-service") as db:
        assert await migrations.upgrade(db) == ("r0001",)
        assert await migrations.differences(db) == ()
        assert await migrations.downgrade(db, "base") == ("r0001",)


async def test_the_page_s_event_can_be_published(temporary_database: TemporaryDatabase) -> None:
    """What the example keeps in the outbox is an event that a broker takes."""
    notes = importlib.import_module("notes_service")
    async with Database.opened(temporary_database.url, service_name="notes-service") as db:
        await Migrations("notes_migrations").upgrade(db)
        note_id = await notes.NoteStore(db).write("milk")
        async with Broker.opened(service_name="notes-service") as broker, aclosing(broker.tail()) as published:
            following = asyncio.ensure_future(anext(published))
            await asyncio.sleep(0)
            async with OutboxRelay(Outbox(db), broker).at_work():
                stored = await asyncio.wait_for(following, 60)
    event = read_event(stored.body)
    assert (stored.subject, event.source, event.key) == (notes.WRITTEN.subject, "/notes-service", str(note_id))
    assert read_as(event, notes.WRITTEN).data.note_id == note_id
