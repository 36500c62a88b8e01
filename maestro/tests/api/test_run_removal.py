import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from maestro.config import OrchestratorConfig, RetentionConfig
from maestro_core_api import APIClient, RemoteAPIException

Serve = Callable[..., Any]


async def _add(client: APIClient, run_id: str) -> None:
    await client.post("/runs", json={"workflow": "python/add", "input": {"a": 1}, "id": run_id})
    async with asyncio.timeout(20):
        while (await client.get(f"/runs/{run_id}")).json()["status"] != "completed":
            await asyncio.sleep(0.01)


async def _ids(client: APIClient) -> list[str]:
    return [run["id"] for run in (await client.get("/runs")).json()["runs"]]


async def _refused(client: APIClient, method: str, url: str, **options: Any) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.request(method, url, **options)
    return caught.value


async def test_a_run_that_has_ended_is_deleted(client: APIClient) -> None:
    """It is gone and its id is free; a run that is open is refused by name and stays."""
    await _add(client, "r")
    gone = await client.delete("/runs/r")
    assert (gone.status_code, gone.json()["runs"]) == (200, 1)
    assert (await _refused(client, "GET", "/runs/r")).error_code == "RUN_NOT_FOUND"
    assert (await _refused(client, "DELETE", "/runs/r")).error_code == "RUN_NOT_FOUND"
    await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
    error = await _refused(client, "DELETE", "/runs/r")
    assert (error.status_code, error.error_code, (error.problem or {})["open"]) == (409, "WORKFLOW_OPEN", ["r"])
    assert await _ids(client) == ["r"]


async def test_old_runs_are_purged(client: APIClient) -> None:
    """A preview tells what a purge deletes and deletes nothing; the purge deletes what ended so, long enough ago."""
    for run_id in ("a", "b"):
        await _add(client, run_id)
    await client.post("/runs", json={"workflow": "office/approval", "id": "open"})
    old = {"older_than_s": 0, "status": ["completed"], "workflow": "python/add"}
    assert (await client.post("/runs/purge/preview", json=old)).json()["runs"] == 2
    assert (await client.post("/runs/purge", json={**old, "older_than_s": 3_600})).json()["runs"] == 0
    assert (await client.post("/runs/purge", json={**old, "workflow": "python/gone"})).json()["runs"] == 0
    assert await _ids(client) == ["open", "b", "a"]
    assert (await client.post("/runs/purge", json=old)).json()["runs"] == 2
    assert await _ids(client) == ["open"]


@pytest.mark.parametrize(
    ("old", "path"),
    [
        ({}, "body.older_than_s"),
        ({"older_than_s": -1}, "body.older_than_s"),
        ({"older_than_s": 0, "status": []}, "body.status"),
        ({"older_than_s": 0, "status": ["running"]}, "body"),
    ],
)
async def test_a_purge_that_makes_no_sense_deletes_nothing(client: APIClient, old: dict[str, Any], path: str) -> None:
    """A missing or negative age and the status of an open run are refused."""
    await _add(client, "r")
    for url in ("/runs/purge", "/runs/purge/preview"):
        error = await _refused(client, "POST", url, json=old)
        assert (error.status_code, error.errors[0]["path"]) == (422, path)
    assert await _ids(client) == ["r"]


async def test_an_operator_removes_nothing(config: OrchestratorConfig, serve: Serve) -> None:
    """Deleting and purging want an admin; a preview does not."""
    async with serve(config, "operator") as client:
        await _add(client, "r")
        for method, url in (("DELETE", "/runs/r"), ("POST", "/runs/purge")):
            error = await _refused(client, method, url, json={"older_than_s": 0})
            assert (error.status_code, (error.problem or {})["rule"]) == (403, "role:admin")
        assert (await client.post("/runs/purge/preview", json={"older_than_s": 0})).json()["runs"] == 1


async def test_the_configured_retention_is_kept(config: OrchestratorConfig, serve: Serve) -> None:
    """A run whose time is up goes by itself."""
    kept = config.model_copy(update={"retention": RetentionConfig(completed_days=0)})
    async with serve(kept) as client:
        await client.post("/runs", json={"workflow": "python/add", "input": {"a": 1}, "id": "r"})
        async with asyncio.timeout(30):
            while await _ids(client):
                await asyncio.sleep(0.05)
