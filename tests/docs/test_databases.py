"""The examples of docs/databases.md do what the page says."""

import importlib
import unittest
from pathlib import Path

import pytest

from maestro_core_db import Database, Migrations
from maestro_core_db.testing import TemporaryDatabase

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
