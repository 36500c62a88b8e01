import sys
from pathlib import Path

import pytest

from maestro_core_db import Database

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture
async def notes(db: Database) -> Database:
    """A database with the suite's tables, on SQLite and on PostgreSQL."""
    from notes import make_tables

    await make_tables(db)
    return db
