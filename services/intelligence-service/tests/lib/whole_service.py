"""The whole service on a real socket, and clients of it."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue, SecretStr

from intelligence_service.bootstrap import create_app
from intelligence_service.config import IntelligenceServiceConfig
from intelligence_service.testing import Orchestrator
from maestro_core_api import APIClient, RemoteAPIException, issue_token
from maestro_core_api.testing import running

NOBODY = "http://127.0.0.1:9/v1"


@asynccontextmanager
async def service(
    orchestrator: Orchestrator,
    data_dir: Path,
    *,
    model_endpoint: str | None,
    role: str = "operator",
    tenant: str | None = None,
    **more: Any,
) -> AsyncIterator[APIClient]:
    """Run the service; the client is of one caller."""
    async with orchestrator.running() as url:
        config = IntelligenceServiceConfig.model_validate(
            {
                "jwt_secret": orchestrator.secret,
                "registry_url": url,
                "data_dir": data_dir,
                "model_endpoint": model_endpoint,
                "model_name": "tiny",
                "encoder_threads": 1,
                **more,
            }
        )
        async with running(create_app(config)) as base, client_of(base, orchestrator, role, tenant) as client:
            yield client


def client_of(base: str, orchestrator: Orchestrator, role: str = "operator", tenant: str | None = None) -> APIClient:
    """Make a client of a caller."""
    token = issue_token(SecretStr(orchestrator.secret), subject="tester", roles=[role], tenant=tenant)
    return APIClient(base, token=token, retries=0)


async def analyze(client: APIClient, persona: str, analyzed: JsonValue, **more: JsonValue) -> dict[str, Any]:
    """Ask, and return the answer."""
    answer = await client.post("/analyze", json={"persona": persona, "input": analyzed, **more})
    document: dict[str, Any] = answer.json()
    return document


async def refusal(call: Awaitable[Any]) -> RemoteAPIException:
    """Expect a refusal, and return it."""
    with pytest.raises(RemoteAPIException) as caught:
        await call
    return caught.value
