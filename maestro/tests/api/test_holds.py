import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, RemoteAPIException

Serve = Callable[..., Any]


async def _paused(client: APIClient, reference: str) -> dict[str, Any] | None:
    shown: dict[str, Any] = (await client.get(f"/workflows/{reference}")).json()
    return shown["paused"]


async def test_a_paused_workflow_starts_nothing_until_it_is_resumed(client: APIClient) -> None:
    """New runs are accepted and wait, saying for what; resumed they complete; the workflow shows the pause meanwhile."""
    assert (await client.post("/workflows/python/add/pause", json={"reason": "stocktaking"})).status_code == 202
    pause = await _paused(client, "python/add/1.0.0")
    assert pause is not None
    assert (pause["version"], pause["reason"]) == (None, "stocktaking")
    listed = (await client.get("/workflows")).json()["workflows"]
    assert [one["name"] for one in listed if one["paused"]] == ["add"]
    run = (await client.post("/runs", json={"workflow": "python/add", "input": {"a": 1}, "id": "r"})).json()
    assert (run["status"], run["workflow_paused"]["reason"]) == ("running", "stocktaking")
    assert (await client.post("/workflows/python/add/resume")).status_code == 202
    assert await _paused(client, "python/add/1.0.0") is None
    async with asyncio.timeout(20):
        while (shown := (await client.get("/runs/r")).json())["status"] == "running":
            await asyncio.sleep(0.01)
    assert (shown["output"], shown["workflow_paused"]) == (2, None)


async def test_a_pause_of_one_version_is_taken_back_alone(client: APIClient) -> None:
    """A pause of a version and one of the whole workflow are two; each is taken back as it was set."""
    await client.post("/workflows/office/approval/pause?version=2.1.0", json={"reason": "this one"})
    await client.post("/workflows/office/approval/resume")
    pause = await _paused(client, "office/approval/2.1.0")
    assert pause is not None
    assert pause["version"] == "2.1.0"
    await client.post("/workflows/office/approval/resume?version=2.1.0")
    assert await _paused(client, "office/approval/2.1.0") is None


@pytest.mark.parametrize("path", ["python/gone/pause", "python/add/pause?version=9.9.9"])
async def test_an_unknown_workflow_cannot_be_paused(client: APIClient, path: str) -> None:
    """A workflow or version that is not registered answers 404 and names what is."""
    with pytest.raises(RemoteAPIException) as caught:
        await client.post(f"/workflows/{path}")
    assert (caught.value.status_code, caught.value.error_code) == (404, "WORKFLOW_NOT_FOUND")


async def test_a_pause_outlives_a_restart_and_its_workflow(config: OrchestratorConfig, serve: Serve) -> None:
    """After restarts it holds, and it can be taken back while the workflow is not registered."""
    async with serve(config) as client:
        await client.post("/workflows/python/add/pause")
    async with serve(config) as client:
        assert await _paused(client, "python/add/1.0.0") is not None
    async with serve(config.model_copy(update={"workflow_modules": []})) as client:
        await client.post("/workflows/python/add/resume")
    async with serve(config) as client:
        assert await _paused(client, "python/add/1.0.0") is None
