import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from maestro_core_api import APIClient, RemoteAPIException

pytestmark = pytest.mark.runners("journal", "temporal")

Make = Callable[..., dict[str, Any]]


async def _ended(client: APIClient, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        async for _ in client.stream_events(f"/runs/{run_id}/events"):
            pass
    run: dict[str, Any] = (await client.get(f"/runs/{run_id}")).json()
    return run


async def _start(client: APIClient, body: dict[str, Any], run_id: str) -> None:
    await client.put("/workflows/tests/job/1.0.0", json=body)
    await client.post("/runs", json={"workflow": "tests/job", "id": run_id})


async def test_a_paused_run_waits_until_it_is_resumed(client: APIClient, document: Make) -> None:
    """Pausing shows in the status and holds the run; resuming lets it complete."""
    await _start(client, document({"rest": {"wait": {"milliseconds": 300}}}), "r")
    assert (await client.post("/runs/r/pause", json={"reason": "maintenance"})).status_code == 202
    assert (await client.get("/runs/r")).json()["status"] == "paused"
    assert (await client.post("/runs/r/resume")).status_code == 202
    assert (await _ended(client, "r"))["status"] == "completed"


async def test_a_terminated_run_ends_at_once(client: APIClient, document: Make) -> None:
    """The event stream ends with run_terminated, the run says so, and once more changes nothing."""
    await _start(client, document({"rest": {"wait": {"hours": 1}}}), "r")
    for _ in range(2):
        assert (await client.post("/runs/r/terminate", json={"reason": "enough"})).status_code == 202
    assert (await _ended(client, "r"))["status"] == "terminated"
    events = (await client.get("/runs/r/history")).json()["events"]
    assert (events[-1]["type"], events[-1]["reason"]) == ("run_terminated", "enough")
    with pytest.raises(RemoteAPIException) as caught:
        await client.post("/runs/r/cancel")
    assert caught.value.error_code == "WORKFLOW_ENDED"


async def test_a_failed_run_is_retried_and_forked(client: APIClient, document: Make, tmp_path: Any) -> None:
    """A retry runs the failed step again; a fork begins before a step; what completed is not repeated."""
    notes, missing = tmp_path / "notes", tmp_path / "folder" / "file"
    body = document(
        {"first": {"call": "note", "with": {"file": str(notes), "line": "first"}}},
        {"second": {"call": "note", "with": {"file": str(missing), "line": "second"}}},
    )
    await _start(client, body, "r")
    assert (await _ended(client, "r"))["status"] == "failed"
    missing.parent.mkdir()
    assert (await client.post("/runs/r/retry")).status_code == 202
    async with asyncio.timeout(20):
        while (await client.get("/runs/r")).json()["status"] == "running":
            await asyncio.sleep(0.01)
    assert (await client.get("/runs/r")).json()["status"] == "completed"

    events = (await client.get("/runs/r/history")).json()["events"]
    second = [event["seq"] for event in events if event["type"] == "step_completed"][-1]
    forked = await client.post("/runs/r/fork", json={"step": second, "id": "f"})
    assert (forked.status_code, forked.headers["location"]) == (202, "/runs/f")
    assert (await _ended(client, "f"))["status"] == "completed"
    assert notes.read_text() == "first\n"
    assert missing.read_text() == "second\nsecond\n"

    for url, status, code in (
        ("/runs/r/retry", 409, "CONFLICT"),
        ("/runs/gone/retry", 404, "RUN_NOT_FOUND"),
        ("/runs/r/pause", 409, "WORKFLOW_ENDED"),
    ):
        with pytest.raises(RemoteAPIException) as caught:
            await client.post(url)
        assert (caught.value.status_code, caught.value.error_code) == (status, code)
    with pytest.raises(RemoteAPIException) as caught:
        await client.post("/runs/r/fork", json={"step": 99})
    assert caught.value.error_code == "STEP_NOT_FOUND"
    assert (caught.value.problem or {})["known"]
