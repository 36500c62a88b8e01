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
def sqlite_database() -> Iterator[TemporaryDatabase]:
    """An empty SQLite file."""
    with temporary_sqlite() as database:
        yield database


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[TemporaryDatabase]:
    """An empty PostgreSQL database."""
    with temporary_postgres(postgres_server) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def temporary_database(request: pytest.FixtureRequest) -> TemporaryDatabase:
    """An empty database: the test runs on SQLite and on PostgreSQL."""
    fixture = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    database: TemporaryDatabase = request.getfixturevalue(fixture)
    return database


@pytest.fixture
async def db(temporary_database: TemporaryDatabase) -> AsyncIterator[Database]:
    """An open, empty database: the test runs on SQLite and on PostgreSQL."""
    async with Database.opened(temporary_database.url) as opened:
        yield opened
