import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from migration_packages import FIRST, SECOND, package
from sqlalchemy import inspect, text

from maestro_core_db import Database, MigrationError, Migrations, SchemaNewerError, SchemaOutdatedError


async def tables(db: Database) -> set[str]:
    async with db.reading() as session:
        names = await (await session.connection()).run_sync(lambda connection: inspect(connection).get_table_names())
    return set(names)


async def test_up_and_down(db: Database, tmp_path: Path) -> None:
    """Upgrading runs what is missing, once, in order; downgrading takes it back."""
    migrations = Migrations(package(tmp_path, "up_and_down", {"r1": FIRST, "r2": SECOND}))
    assert [(each.revision, each.down_revision, each.message) for each in migrations.history()] == [
        ("r1", None, "Do r1."),
        ("r2", "r1", "Do r2."),
    ]
    assert await migrations.upgrade(db, "r1") == ("r1",)
    assert [each.revision for each in (await migrations.state(db)).pending] == ["r2"]
    with pytest.raises(SchemaOutdatedError, match="maestro db upgrade") as caught:
        await migrations.require_current(db)
    assert (caught.value.current, caught.value.head) == ("r1", "r2")
    assert await migrations.upgrade(db) == ("r2",)
    assert await migrations.upgrade(db) == ()
    await migrations.require_current(db)
    assert await migrations.downgrade(db, "-1") == ("r2",)
    assert await migrations.downgrade(db, "base") == ("r1",)
    assert await tables(db) == {"alembic_version"}
    assert (await migrations.state(db)).current is None


async def test_a_failed_migration_leaves_the_database_as_it_was(db: Database, tmp_path: Path) -> None:
    """When the last of three fails, none of them has taken place; mended, all of them run."""
    fails = ('op.execute("INSERT INTO a (id) VALUES (1)"); op.execute("INSERT INTO nowhere VALUES (1)")', "pass")
    migrations = Migrations(package(tmp_path, "failing", {"r1": FIRST, "r2": SECOND, "r3": fails}))
    with pytest.raises(MigrationError, match=r"migration r3 failed .*nowhere.* is as it was before"):
        await migrations.upgrade(db)
    assert await tables(db) == set()
    assert (await migrations.state(db)).current is None
    mended = ('op.execute("INSERT INTO a (id) VALUES (1)")', "pass")
    migrations = Migrations(package(tmp_path, "failing", {"r1": FIRST, "r2": SECOND, "r3": mended}))
    assert await migrations.upgrade(db) == ("r1", "r2", "r3")


async def test_a_newer_database_is_refused(db: Database, tmp_path: Path) -> None:
    """Code that does not know the database's revision neither works with it nor changes it."""
    newer = Migrations(package(tmp_path / "new", "newer", {"r1": FIRST, "r2": SECOND}))
    await newer.upgrade(db)
    older = Migrations(package(tmp_path / "old", "newer", {"r1": FIRST}))
    for refused in (older.upgrade(db), older.require_current(db), older.downgrade(db, "base"), older.upgrade(db, "r1")):
        with pytest.raises(SchemaNewerError, match="r2") as caught:
            await refused
        assert (caught.value.current, caught.value.head) == ("r2", "r1")
    assert (await older.state(db)).is_newer
    await newer.require_current(db)


async def test_upgrades_at_once_in_one_process(db: Database, tmp_path: Path) -> None:
    """Of many upgrades at the same time one does the work, and all of them end well."""
    migrations = Migrations(package(tmp_path, "at_once", {"r1": FIRST, "r2": SECOND}))
    ran = await asyncio.gather(*(migrations.upgrade(db, wait=timedelta(seconds=60)) for _ in range(5)))
    assert sorted(ran) == [(), (), (), (), ("r1", "r2")]


async def test_a_table_that_is_rebuilt_keeps_its_references(db: Database, tmp_path: Path) -> None:
    """Rebuilding a table that others refer to loses no row of theirs; a reference to nothing undoes the migration."""
    first = (
        'op.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, note TEXT)"); '
        'op.execute("CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id) ON DELETE CASCADE)"); '
        'op.execute("INSERT INTO p VALUES (1, NULL)"); op.execute("INSERT INTO c VALUES (1, 1)")',
        "pass",
    )
    rebuild = (
        'batch = op.batch_alter_table("p").__enter__(); batch.alter_column("note", nullable=True, type_=sa.String(50)); '
        "batch.impl.flush()",
        "pass",
    )
    migrations = Migrations(package(tmp_path, "rebuilt", {"r1": first, "r2": rebuild}))
    await migrations.upgrade(db)
    async with db.reading() as session:
        assert (await session.execute(text("SELECT p_id FROM c"))).scalars().all() == [1]


async def test_models_and_tables_are_compared(db: Database, tmp_path: Path) -> None:
    """What the models have and the migrations do not is told in words; nothing when they agree."""
    models = (
        "import sqlalchemy as sa\nmetadata = sa.MetaData()\n"
        'sa.Table("a", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))\n'
    )
    migrations = Migrations(package(tmp_path, "compared", {"r1": FIRST}, models))
    await migrations.upgrade(db)
    assert await migrations.differences(db) == ("add column a.text",)
    migrations = Migrations(package(tmp_path, "compared", {"r1": FIRST, "r2": SECOND}, models))
    await migrations.upgrade(db)
    assert await migrations.differences(db) == ()
