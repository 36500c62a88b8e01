from maestro_core_db import Database, Migrations


async def test_the_migrations_make_what_the_models_say(migrated: Database) -> None:
    """On both databases, upgrading leaves nothing that the models would have otherwise, and it can be taken back."""
    migrations = Migrations("intelligence_service.migrations")
    assert await migrations.differences(migrated) == ()
    await migrations.downgrade(migrated, "base")
    assert (await migrations.state(migrated)).current is None
