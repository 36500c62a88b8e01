"""Workflows as tools, called by a real client of the protocol."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from orchestration_gateway.tools.catalog import workflow_tools

from .conftest import bearer

MODES = ["auto", "legacy"]


@asynccontextmanager
async def client_of(world: Any, mode: str = "auto", **caller: Any) -> AsyncIterator[Client]:
    """A client with a token."""
    roles = caller.pop("roles", ("operator",))
    url = f"{str(world.gateway.base_url).rstrip('/')}/mcp"
    async with (
        httpx2.AsyncClient(headers=bearer(*roles, **caller), trust_env=False, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def said(result: Any) -> dict[str, Any]:
    """What a tool returned, as structure and as text alike."""
    assert json.loads(result.content[0].text) == result.structured_content
    found: dict[str, Any] = result.structured_content
    return found


@pytest.mark.parametrize("mode", MODES)
async def test_workflows_are_tools_with_their_schemas(world: Any, mode: str) -> None:
    """Each workflow's latest version is a tool with its own schema, beside those that look after runs."""
    async with client_of(world, mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"shop_echo", "shop_waits", "maestro_run_status", "maestro_run_result", "maestro_cancel_run"}
    assert tools["shop_echo"].input_schema["properties"] == {"order": {"type": "integer"}}
    assert tools["shop_echo"].description == "Gives back what it gets."


@pytest.mark.parametrize("mode", MODES)
async def test_a_tool_runs_its_workflow(world: Any, mode: str) -> None:
    """The run's output is the tool's result, and on the way the client is told what happens."""
    told: list[tuple[float, str | None]] = []

    async def progress(count: float, total: float | None, message: str | None) -> None:
        told.append((count, message))

    async with client_of(world, mode) as client:
        result = await client.call_tool("shop_echo", {"order": 17}, progress_callback=progress)
    found = said(result)
    assert not result.is_error
    assert (found["status"], found["output"]) == ("completed", {"order": 17})
    assert (await world.orchestrator.get(f"/runs/{found['run_id']}")).json()["attributes"] == {"tool": "shop_echo"}
    assert [count for count, _ in told] == sorted({count for count, _ in told})
    assert told[0][1] == "run_started"


async def test_a_long_run_is_handed_over(open_world: Any) -> None:
    """What is not over in time comes back as a handle; it can be looked at, waited for and cancelled."""
    from .conftest import WAITS

    async with open_world(tool_wait_s=0.2) as world:
        await world.register(WAITS)
        async with client_of(world) as client:
            handle = said(await client.call_tool("shop_waits", {}))
            assert handle["status"] == "running"
            assert "maestro_run_result" in handle["hint"]
            run = {"run_id": handle["run_id"]}
            assert said(await client.call_tool("maestro_run_status", run))["status"] == "running"
            assert said(await client.call_tool("maestro_run_result", run))["status"] == "running"
            await client.call_tool("maestro_cancel_run", {**run, "reason": "enough"})
            await world.ended(handle["run_id"])
            over = await client.call_tool("maestro_run_result", run)
            assert (over.is_error, said(over)["status"]) == (True, "cancelled")


async def test_what_a_tool_refuses(world: Any) -> None:
    """An input that does not fit, a tool or run that is not there, a role that is missing: told in words, as errors."""
    async with client_of(world) as client:
        for name, arguments, words in (
            ("shop_echo", {"order": "x"}, "PAYLOAD_INVALID"),
            ("nothing", {}, "no tool"),
            ("maestro_run_status", {"run_id": "nothing"}, "nothing"),
            ("maestro_run_status", {"run_id": ""}, "run_id"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error
            assert words in result.content[0].text
    async with client_of(world, roles=("viewer",)) as client:
        assert len((await client.list_tools()).tools) == 5
        result = await client.call_tool("shop_echo", {"order": 1})
        assert result.is_error
        assert "ROLE_REQUIRED" in result.content[0].text
    assert (await world.orchestrator.get("/runs/count")).json() == {"count": 0}


async def test_nobody_without_a_token(world: Any) -> None:
    """Without a bearer token there is not even a handshake."""
    async with httpx2.AsyncClient(base_url=world.gateway.base_url, trust_env=False) as bare:
        answer = await bare.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert (answer.status_code, answer.json()["error_code"]) == (401, "AUTH_REQUIRED")


async def test_tools_keep_tenants_apart(world: Any) -> None:
    """A caller of one tenant neither sees nor stops the runs of another, and starts count against its own quota."""
    async with client_of(world, tenant="acme") as acme, client_of(world, tenant="other") as other:
        run = {"run_id": said(await acme.call_tool("shop_echo", {"order": 1}))["run_id"]}
        assert said(await acme.call_tool("maestro_run_status", run))["output"] == {"order": 1}
        for name in ("maestro_run_status", "maestro_run_result", "maestro_cancel_run"):
            result = await other.call_tool(name, run)
            assert result.is_error
            assert "Run not found" in result.content[0].text


async def test_many_calls_at_once(world: Any) -> None:
    """Calls of one client do not wait for one another."""
    async with client_of(world) as client:
        results = await asyncio.gather(*(client.call_tool("shop_echo", {"order": n}) for n in range(10)))
    assert [said(result)["output"] for result in results] == [{"order": n} for n in range(10)]


def test_names_are_free_and_short_enough() -> None:
    """Whatever workflows are called, their tools have names of their own that clients accept."""

    def definition(namespace: str, name: str, **more: Any) -> dict[str, Any]:
        base = {"version": "1.0.0", "latest": True, "problem": None, "title": "", "document": None}
        return {"namespace": namespace, "name": name, **base, **more}

    tools = workflow_tools([
        definition("a", "b"), definition("a_b", "c"), definition("a", "b_c"), definition("n" * 60, "x" * 60),
        definition("maestro", "run_status"), definition("\u00e4", "\u00f6"), definition("old", "x", latest=False),
        definition("bad", "x", problem="gone"),
        definition("s", "t", document={"input": {"schema": {"document": {"type": "string"}}}}),
    ])  # fmt: skip
    assert len(tools) == 7
    assert all(
        name.isascii() and len(name) <= 64 and name.replace("_", "").replace("-", "").isalnum()
        for name in tools
        if name.strip("_")
    )
    assert "maestro_run_status" not in tools
    wrapped = tools["s_t"]
    assert wrapped.input_schema["required"] == ["input"]
    assert wrapped.payload({"input": "x"}) == "x"
