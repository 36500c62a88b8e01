"""Fixtures: `pytest_plugins = ["maestro_core_db.testing.fixtures"]`."""

from collections.abc import AsyncIterator, Iterator

import pytest

from maestro_core_db._database import Database

from ._postgres_server import PostgresServer
from ._temporary import TemporaryDatabase, temporary_postgres, temporary_sqlite


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests of the session."""
    with PostgresServer.running() as server:
        yield server


@pytest.fixture
def database_migrations() -> str | None:
    """Whose tables the databases below have, such as "orders.migrations"; override it. None: they are empty."""
    return None


@pytest.fixture
def sqlite_database(database_migrations: str | None) -> Iterator[TemporaryDatabase]:
    """A SQLite file."""
    with temporary_sqlite(database_migrations) as database:
        yield database


@pytest.fixture
def postgres_database(postgres_server: PostgresServer, database_migrations: str | None) -> Iterator[TemporaryDatabase]:
    """A PostgreSQL database."""
    with temporary_postgres(postgres_server, database_migrations) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def temporary_database(request: pytest.FixtureRequest) -> TemporaryDatabase:
    """A database: the test runs on SQLite and on PostgreSQL."""
    fixture = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    database: TemporaryDatabase = request.getfixturevalue(fixture)
    return database


@pytest.fixture
async def db(temporary_database: TemporaryDatabase) -> AsyncIterator[Database]:
    """An open database: the test runs on SQLite and on PostgreSQL."""
    async with Database.opened(temporary_database.url) as opened:
        yield opened
