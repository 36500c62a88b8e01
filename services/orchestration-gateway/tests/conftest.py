"""A gateway beside a real orchestrator, both on sockets of this process; and one that knows no orchestrator."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

import maestro.bootstrap
from maestro.config import OrchestratorConfig
from maestro_core_api import MaestroAPI, issue_token
from maestro_core_api.testing import running
from maestro_core_db.testing import fixtures, sqlite_template
from orchestration_gateway.bootstrap import create_app
from orchestration_gateway.config import OrchestrationGatewayConfig

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
COMMON: dict[str, Any] = {"jwt_secret": SECRET, "environment": "test"}
NOBODY = "http://127.0.0.1:1"

# Named one by one: only the topmost conftest of a run may name a plugin, and this is not the topmost when all is run.
database_migrations = fixtures.database_migrations
postgres_server = fixtures.postgres_server
postgres_database = fixtures.postgres_database
sqlite_database = fixtures.sqlite_database
temporary_database = fixtures.temporary_database
db = fixtures.db

ECHO = """
document: {dsl: '1.0.3', namespace: shop, name: echo, version: 1.0.0, summary: Gives back what it gets.}
input: {schema: {format: json, document: {type: object, properties: {order: {type: integer}}}}}
do: [{given: {set: '${ . }'}}]
"""
WAITS = """
document: {dsl: '1.0.3', namespace: shop, name: waits, version: 1.0.0}
do:
  - first: {set: {at: 1}}
  - paid: {listen: {to: {one: {with: {type: go.on}}}}}
  - last: {set: {done: true}}
"""


def bearer(*roles: str, subject: str = "test", tenant: str | None = None) -> dict[str, str]:
    """Headers of a caller."""
    return {"Authorization": f"Bearer {issue_token(SECRET, subject=subject, roles=roles, tenant=tenant)}"}


def gateway_app(folder: Path, **settings: Any) -> MaestroAPI:
    """A gateway with its data in a folder; its own database there has its tables already, as after a first start."""
    database = folder / "gateway" / "orchestration-gateway.db"
    if not database.exists():
        database.parent.mkdir(exist_ok=True, parents=True)
        database.write_bytes(sqlite_template("orchestration_gateway.migrations"))
    values = {**COMMON, "data_dir": folder / "gateway", "orchestrator_url": NOBODY, **settings}
    return create_app(OrchestrationGatewayConfig.model_validate(values))


def orchestrator_app(folder: Path) -> MaestroAPI:
    """An orchestrator with its data in a folder."""
    config = OrchestratorConfig.model_validate({**COMMON, "data_dir": folder / "orchestrator"})
    return maestro.bootstrap.create_app(config)


class World:
    """A gateway and its orchestrator."""

    def __init__(self, gateway: httpx2.AsyncClient, orchestrator: httpx2.AsyncClient, app: MaestroAPI) -> None:
        self.gateway = gateway
        self.orchestrator = orchestrator
        self.app = app

    async def register(self, *documents: str) -> None:
        for document in documents:
            name = document.split("name: ")[1].split(",")[0]
            answer = await self.orchestrator.put(f"/workflows/shop/{name}/1.0.0", content=document)
            assert answer.status_code in {200, 201}, answer.text

    async def ended(self, run_id: str) -> dict[str, Any]:
        async for _ in _lines(self.orchestrator, f"/runs/{run_id}/events"):
            pass
        found: dict[str, Any] = (await self.orchestrator.get(f"/runs/{run_id}")).json()
        return found


async def _lines(client: httpx2.AsyncClient, url: str) -> AsyncIterator[str]:
    async with client.stream("GET", url, timeout=60) as response:
        async for line in response.aiter_lines():
            yield line


def client_of(url: str, *roles: str, tenant: str | None = None) -> httpx2.AsyncClient:
    """A client with a token of a role."""
    headers = bearer(*roles, tenant=tenant) if roles else {}
    return httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30)


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """Open a world."""
    async with AsyncExitStack() as stack:
        orchestrator_url = await stack.enter_async_context(running(orchestrator_app(folder)))
        app = gateway_app(folder, **{"orchestrator_url": orchestrator_url, **settings})
        gateway_url = await stack.enter_async_context(running(app))
        gateway = await stack.enter_async_context(client_of(gateway_url, "admin"))
        orchestrator = await stack.enter_async_context(client_of(orchestrator_url, "admin"))
        yield World(gateway, orchestrator, app)


@pytest.fixture
def open_world(tmp_path: Path) -> Callable[..., Any]:
    """Open a gateway and its orchestrator, with settings of the test's own."""
    return lambda **settings: opened(tmp_path, **settings)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway and its orchestrator, with two workflows."""
    async with opened(tmp_path, feed_interval_s=0.05, screen_cache_s=0.0) as world:
        await world.register(ECHO, WAITS)
        yield world
