from maestro_core_db import Database, Migrations


async def test_the_tables_are_what_the_models_say(migrated: Database) -> None:
    """After all revisions a further one would have nothing to do."""
    assert await Migrations("governance_service.migrations").differences(migrated) == ()


async def test_every_revision_can_be_taken_back(migrated: Database) -> None:
    """A database without entries goes back to nothing, and comes up again."""
    migrations = Migrations("governance_service.migrations")
    assert len(await migrations.downgrade(migrated, "base")) == len(migrations.history())
    assert len(await migrations.upgrade(migrated)) == len(migrations.history())
