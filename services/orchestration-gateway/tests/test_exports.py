from importlib.metadata import entry_points
from importlib.util import find_spec

import orchestration_gateway
from maestro_core_db import Database, Migrations
from maestro_core_db.testing import TemporaryDatabase
from orchestration_gateway import migrations


def test_the_service_can_be_found() -> None:
    """The entry points lead to the module that serves, to the class of its configuration and to its migrations."""
    (service,) = entry_points(group="maestro.services", name="orchestration-gateway")
    assert service.load() is orchestration_gateway
    assert find_spec(f"{service.value}.__main__") is not None
    (config,) = entry_points(group="maestro.configs", name="orchestration-gateway")
    assert config.load().service_name == "orchestration-gateway"
    (found,) = entry_points(group="maestro.migrations", name="orchestration-gateway")
    assert found.load() is migrations


async def test_migrations_make_what_the_tables_say(temporary_database: TemporaryDatabase) -> None:
    """On either database the migrations go up to the tables, and down again to nothing."""
    async with Database.opened(temporary_database.url) as db:
        all_of_them = Migrations(migrations)
        assert await all_of_them.upgrade(db) == ("0001", "0002")
        assert list(await all_of_them.differences(db)) == []
        await all_of_them.downgrade(db, "base")
        assert await all_of_them.upgrade(db) == ("0001", "0002")
