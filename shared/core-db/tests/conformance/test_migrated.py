"""Databases for tests that come with a service's tables."""

from pathlib import Path

import pytest
from migration_packages import FIRST, SECOND, package
from sqlalchemy import text

from maestro_core_db import Database, Migrations


@pytest.fixture
def database_migrations(tmp_path: Path) -> str:
    """The same for all tests, so that they have copies of one template."""
    return package(tmp_path, "migrated_for_tests", {"r1": FIRST, "r2": SECOND}).__name__


async def test_there_is_nothing_left_to_do(db: Database, database_migrations: str) -> None:
    """The tables are there, at their last revision, and can be taken back."""
    migrations = Migrations(database_migrations)
    await migrations.require_current(db)
    assert await migrations.upgrade(db) == ()
    assert await migrations.downgrade(db, "base") == ("r2", "r1")


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_has_a_database_of_its_own(db: Database, turn: str) -> None:
    """What one test leaves in its tables is not in another one's."""
    async with db.transaction() as session:
        await session.execute(text("CREATE TABLE left_behind (turn VARCHAR(10))"))
        await session.execute(text("INSERT INTO left_behind VALUES (:turn)"), {"turn": turn})
        await session.commit()
