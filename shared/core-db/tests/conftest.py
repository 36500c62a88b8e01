import sys
from pathlib import Path

import pytest

from maestro_core_db import Database

pytest_plugins = ["maestro_core_db.testing.fixtures"]

# Tests are collected by path; what they share is imported from here.
SUPPORT = str(Path(__file__).with_name("support"))
if SUPPORT not in sys.path:
    sys.path.insert(0, SUPPORT)


@pytest.fixture
async def notes(db: Database) -> Database:
    """A database with the tables of notes, on SQLite and on PostgreSQL."""
    from notes import make_tables

    await make_tables(db)
    return db
