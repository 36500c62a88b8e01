"""The registry and the framework's client together, over real sockets."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from central_registry.bootstrap import create_app
from central_registry.config import CentralRegistryConfig
from maestro_core_api import APIClient, APIConfig, APIException, MaestroAPI, SecurityConfig, issue_token
from maestro_core_api.testing import running

SECRET = "a-secret-for-tests-of-at-least-32-bytes"


@pytest.fixture
def config(tmp_path: Path) -> CentralRegistryConfig:
    return CentralRegistryConfig(environment="test", data_dir=tmp_path, jwt_secret=SecretStr(SECRET))


def echo(registry_url: str) -> MaestroAPI:
    app = MaestroAPI(
        APIConfig(
            title="Echo",
            service_name="echo",
            security=SecurityConfig(jwt_secret_key=SECRET),
            registry_url=registry_url,
            lease=timedelta(seconds=3),
        )
    )

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "from echo"}

    return app


def client_of(registry_url: str) -> APIClient:
    return APIClient(registry_url=registry_url, token=issue_token(SECRET, subject="test", roles=("operator",)))


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    """Call until it does not raise any more; fail when it still does after ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return await look()
        except APIException:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)


async def test_a_service_is_found_while_it_runs(config: CentralRegistryConfig) -> None:
    """A service that starts is reached by its name, and no longer listed as soon as it has stopped."""
    async with running(create_app(config)) as registry_url, client_of(registry_url) as client:
        async with running(echo(registry_url)) as echo_url:
            answer = await eventually(lambda: client.get("service://echo/hello"))
            assert answer.json() == {"hello": "from echo"}
            (instance,) = (await client.get(f"{registry_url}/services/echo")).json()["instances"]
            assert instance["url"] == echo_url
        with pytest.raises(APIException) as caught:
            await client.get(f"{registry_url}/services/echo")
        assert caught.value.error_code == "SERVICE_NOT_FOUND"


async def test_a_registry_that_comes_back_knows_the_service(config: CentralRegistryConfig) -> None:
    """A registry that restarts under a running service shows it at once, registered when it was before."""
    async with AsyncExitStack() as stack:
        async with running(create_app(config)) as registry_url:
            client = await stack.enter_async_context(client_of(registry_url))
            await stack.enter_async_context(running(echo(registry_url)))
            (before,) = (await eventually(lambda: client.get(f"{registry_url}/services/echo"))).json()["instances"]
        port = urlsplit(registry_url).port
        assert port is not None
        async with running(create_app(config), port=port):
            (after,) = (await client.get(f"{registry_url}/services/echo")).json()["instances"]
            assert after["instance_id"] == before["instance_id"]
            assert after["registered_at"] == before["registered_at"]
            # Inside the block: the service says goodbye to a registry that is there.
            await stack.aclose()
