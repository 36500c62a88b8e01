import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from governance_service.bootstrap import create_app
from governance_service.config import GovernanceServiceConfig
from governance_service.testing import config_for
from maestro_core_api import MaestroAPI
from maestro_core_api.testing import in_process_client
from maestro_core_db import Database, Migrations
from maestro_core_db.testing import TemporaryDatabase, fixtures

# Named one by one: only the topmost conftest of a run may name a plugin, and this is not the topmost when all is run.
postgres_server = fixtures.postgres_server
postgres_database = fixtures.postgres_database
sqlite_database = fixtures.sqlite_database
temporary_database = fixtures.temporary_database
db = fixtures.db


@pytest.fixture
def database_migrations() -> str | None:
    """Databases have the service's tables, as a start finds them that is not the first; the first one has tests of its own."""
    return "governance_service.migrations"


# Tests are collected by path; what several of them stand on lies beside them.
for folder in ("audit", "identity"):
    path = str(Path(__file__).parent / folder)
    if path not in sys.path:
        sys.path.insert(0, path)


@pytest.fixture
async def migrated(temporary_database: TemporaryDatabase) -> AsyncIterator[Database]:
    """An open database with the service's tables: the test runs on SQLite and on PostgreSQL."""
    async with Database.opened(temporary_database.url, service_name="governance-service") as db:
        await Migrations("governance_service.migrations").upgrade(db)
        yield db


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings of the service; a test or its module overrides the fixture to have others."""
    return {}


@pytest.fixture
def config(temporary_database: TemporaryDatabase, tmp_path: Path, settings: dict[str, Any]) -> GovernanceServiceConfig:
    """Configuration of the service, on SQLite and on PostgreSQL."""
    return config_for(tmp_path, temporary_database.url, **settings)


@pytest.fixture
def app(config: GovernanceServiceConfig) -> MaestroAPI:
    """The service."""
    return create_app(config)


@pytest.fixture
def client(app: MaestroAPI) -> Iterator[TestClient]:
    """A client of the service, running, whose token is an admin's and a service's."""
    with in_process_client(app) as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make slow` what PostgreSQL shows again of requests; storage, migrations and the trail stay."""
    here = Path(__file__).parent
    for item in items:
        path = item.path
        is_about_requests = path.parent.name in {"identity", "attacks"} or path.stem.endswith("_api")
        if path.is_relative_to(here) and is_about_requests and "[postgresql" in item.name:
            item.add_marker(pytest.mark.slow)
