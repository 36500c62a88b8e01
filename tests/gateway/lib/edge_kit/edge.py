"""A whole edge for tests: a registry, services and Envoy, all real."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import OctKey

from central_registry.bootstrap import create_app
from central_registry.config import CentralRegistryConfig
from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig, issue_token
from maestro_core_api._listener import bind
from maestro_core_api.testing import running

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
TOKEN = "a-token-of-the-gateway-for-tests-of-32-or-more"
LIMIT_S = 90.0


def free_port() -> int:
    with bind("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


def bearer(*roles: str, subject: str = "ada", **claims: Any) -> dict[str, str]:
    token = issue_token(SECRET, subject=subject, roles=roles or ("operator",), **claims)
    return {"Authorization": f"Bearer {token}"}


def bearer_with(**claims: Any) -> dict[str, str]:
    """Sign a token with claims that `issue_token` does not know."""
    now = int(time.time())
    claims = {"iss": "maestro", "sub": "ada", "roles": ["operator"], "iat": now, "exp": now + 600, **claims}
    return {"Authorization": f"Bearer {jwt.encode({'alg': 'HS256'}, claims, OctKey.import_key(SECRET))}"}


async def until(fact: Callable[[], Awaitable[Any] | Any], what: str = "") -> Any:
    """Wait until something is so; the limit is generous and nothing else depends on it."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        found = fact()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"waited in vain {what}"
        await asyncio.sleep(0.02)


@dataclass
class GatewayProcess:
    """`python -m maestro_gateway`, and what it writes."""

    port: int
    log: Path
    environ: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "maestro_gateway"], stdout=log, stderr=log, env=self.environ, cwd=self.log.parent
            )

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    async def ready(self) -> None:
        async def answers() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            with contextlib.suppress(httpx2.HTTPError):
                async with httpx2.AsyncClient(trust_env=False) as client:
                    return (await client.get(f"{self.url}/health/ready")).status_code == 200
            return False

        try:
            await until(answers, "for the gateway")
        except AssertionError as error:
            raise AssertionError(self.log.read_text()[-6000:]) from error

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the log lines that have these members."""
        found = []
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(ValueError):
                document = json.loads(line)
                if isinstance(document, dict) and all(document.get(name) == value for name, value in wanted.items()):
                    found.append(document)
        return found


@contextlib.contextmanager
def gateway_process(folder: Path, registry_url: str, **settings: str) -> Iterator[GatewayProcess]:
    """Make a gateway process, not started; it is ended whatever happens."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAESTRO_", "GATEWAY_"))}
    port = free_port()
    environ = {
        **inherited,
        "MAESTRO_CONFIG_DIR": str(folder),
        "MAESTRO_DATA_DIR": str(folder / "data"),
        "MAESTRO_JWT_SECRET": SECRET,
        "MAESTRO_GATEWAY_TOKEN": TOKEN,
        "MAESTRO_REGISTRY_URL": registry_url,
        "MAESTRO_LOG_FORMAT": "json",
        "GATEWAY_PORT": str(port),
        "GATEWAY_SHUTDOWN_GRACE_S": "3",
        "GATEWAY_NODE_ID": "gateway",
        "GATEWAY_LIMITS_TIMEOUT_S": "30",  # tests share the machine with others
        **settings,
    }
    gateway = GatewayProcess(port, folder / f"gateway-{port}.log", environ)
    try:
        yield gateway
    finally:
        if gateway.process is not None and gateway.process.poll() is None:
            gateway.process.kill()
            gateway.process.wait()


@dataclass
class Running:
    """A registry with a gateway in front, and places for services."""

    registry_url: str
    gateway: GatewayProcess
    stack: AsyncExitStack
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def app(self, name: str = "shop", *, version: str = "1.0.0", **options: Any) -> MaestroAPI:
        return MaestroAPI(
            APIConfig(
                title=name,
                service_name=name,
                version=version,
                registry_url=self.registry_url,
                environment="test",
                # Everything is in one process, which a flood keeps from renewing anything.
                **{"security": SecurityConfig(jwt_secret_key=SECRET), "lease": timedelta(minutes=3), **options},
            )
        )

    async def serve(self, app: MaestroAPI) -> str:
        return await self.stack.enter_async_context(running(app))

    async def client(self, **options: Any) -> httpx2.AsyncClient:
        client = httpx2.AsyncClient(base_url=self.gateway.url, trust_env=False, timeout=30, **options)
        return await self.stack.enter_async_context(client)

    async def reachable(self, path: str, *, status: int = 200, **options: Any) -> httpx2.Response:
        """Wait until a path answers so."""
        client = await self.client()

        async def answers() -> httpx2.Response | None:
            answer = await client.get(path, **options)
            return answer if answer.status_code == status else None

        answer = await until(answers, f"for {path} to answer {status}")
        assert isinstance(answer, httpx2.Response)
        return answer


@asynccontextmanager
async def edge(folder: Path, **settings: str) -> AsyncIterator[Running]:
    """Run a registry and a gateway; services come with `serve`."""
    config = CentralRegistryConfig.model_validate(
        {"jwt_secret": SECRET, "gateway_token": TOKEN, "data_dir": folder / "registry", "environment": "test"}
    )
    async with AsyncExitStack() as stack:
        registry_url = await stack.enter_async_context(running(create_app(config)))
        gateway = stack.enter_context(gateway_process(folder, registry_url, **settings))
        gateway.start()
        await gateway.ready()
        inner = await stack.enter_async_context(AsyncExitStack())
        yield Running(registry_url, gateway, inner)
