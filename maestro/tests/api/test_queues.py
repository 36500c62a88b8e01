import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from maestro.config import OrchestratorConfig, QueueConfig
from maestro_core_api import APIClient, RemoteAPIException

Serve = Callable[..., Any]


@pytest.fixture
def queued(config: OrchestratorConfig) -> OrchestratorConfig:
    """A configuration with a queue of one and one that has a name with signs in it."""
    queues = {
        "one": QueueConfig(concurrency=1),
        "eu/mails:fast": QueueConfig.model_validate({"rate": {"count": 5, "per_s": 60}}),
    }
    return config.model_copy(update={"queues": queues})


async def _refused(client: APIClient, method: str, url: str, **options: Any) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.request(method, url, **options)
    return caught.value


async def _start(client: APIClient, run_id: str, **options: Any) -> dict[str, Any]:
    body = {"workflow": "office/approval", "id": run_id, "options": options}
    run: dict[str, Any] = (await client.post("/runs", json=body)).json()
    return run


async def _until(client: APIClient, run_id: str, status: str) -> None:
    async with asyncio.timeout(20):
        while (await client.get(f"/runs/{run_id}")).json()["status"] != status:
            await asyncio.sleep(0.01)


async def test_runs_wait_in_a_queue_by_priority(queued: OrchestratorConfig, serve: Serve) -> None:
    """One runs; the others wait, the most urgent first, and one that is moved up begins before the rest."""
    async with serve(queued) as client:
        await _start(client, "a", queue="one")
        await _until(client, "a", "running")
        assert (await _start(client, "b", queue="one", tenant="acme"))["status"] == "queued"
        assert (await _start(client, "c", queue="one", priority=7))["status"] == "queued"
        queue = (await client.get("/queues/one")).json()
        assert (queue["running"], queue["waiting"], queue["concurrency"]) == (1, 2, 1)
        assert queue["waiting_by_priority"] == {"5": 1, "7": 1}
        assert queue["waiting_by_tenant"] == {"acme": 1, "": 1}
        assert (await client.put("/runs/c/priority", json={"priority": 0})).status_code == 202
        await client.post("/runs/a/signals/answer")
        await _until(client, "c", "running")
        assert (await client.get("/runs/b")).json()["status"] == "queued"
        assert (await _refused(client, "PUT", "/runs/c/priority", json={"priority": 1})).status_code == 409
        assert [run["id"] for run in (await client.get("/runs?status=queued")).json()["runs"]] == ["b"]
        assert (await client.post("/runs/cancel?status=queued")).json()["runs"] == 1
        await _until(client, "b", "cancelled")


async def test_a_paused_queue_lets_nothing_begin(queued: OrchestratorConfig, serve: Serve) -> None:
    """A pause holds over a restart with its reason; resumed, what waits begins. A name may have signs in it."""
    place = "/queues/eu%2Fmails:fast"
    async with serve(queued) as client:
        paused = (await client.post(f"{place}/pause", json={"reason": "provider is down"})).json()
        assert (paused["name"], paused["paused"], paused["pause_reason"]) == ("eu/mails:fast", True, "provider is down")
        assert paused["rate"] == {"count": 5, "per_s": 60}
        assert (await _start(client, "m", queue="eu/mails:fast"))["status"] == "queued"
    async with serve(queued) as client:
        assert [one["paused"] for one in (await client.get("/queues")).json()["queues"]] == [True, False]
        assert (await client.post(f"{place}/resume")).json()["paused"] is False
        await _until(client, "m", "running")


async def test_a_queue_that_is_not_declared_is_not_found(queued: OrchestratorConfig, serve: Serve) -> None:
    """Everything about it answers 404 with those there are and how one is declared, and nothing starts in it."""
    async with serve(queued) as client:
        body = {"workflow": "office/approval", "options": {"queue": "two"}}
        for method, url in (("GET", "/queues/two"), ("POST", "/queues/two/pause"), ("POST", "/runs")):
            error = await _refused(client, method, url, json=body if url == "/runs" else None)
            assert (error.status_code, error.error_code) == (404, "QUEUE_NOT_FOUND")
            assert (error.problem or {})["available"] == ["eu/mails:fast", "one"]
            assert "setting" in str(error)
        spec = {"every_s": 60}
        wanted = {"workflow": "office/approval", "spec": spec, "queue": "two"}
        assert (await _refused(client, "PUT", "/schedules/s", json=wanted)).error_code == "QUEUE_NOT_FOUND"
        made = (await client.put("/schedules/s", json={**wanted, "queue": "one", "priority": 1})).json()
        assert (made["queue"], made["priority"]) == ("one", 1)
        freed = (await client.request("PATCH", "/schedules/s", json={"queue": None})).json()
        assert (freed["queue"], freed["priority"], freed["spec"]["every_s"]) == (None, 5, 60)
        assert (await client.get("/runs/count")).json() == {"count": 0}


async def test_what_happens_when_there_is_one(client: APIClient) -> None:
    """Starts say what becomes of a run of their id or key: it is returned, is an error, or makes way."""
    await _start(client, "r")
    error = await _refused(
        client, "POST", "/runs", json={"workflow": "office/approval", "id": "r", "options": {"if_running": "fail"}}
    )
    assert (error.status_code, error.error_code) == (409, "RUN_EXISTS")
    assert ((error.problem or {})["run_id"], (error.problem or {})["run_status"]) == ("r", "running")
    await client.post("/runs/r/signals/answer")
    await _until(client, "r", "completed")
    assert (await _start(client, "r", if_ended="start_anew"))["status"] == "running"
    assert (await client.get("/runs/r~1")).json()["ran_as"] == "r"
    only = {"key": "k", "policy": "use_existing"}
    assert (await _start(client, "s", singleton=only))["id"] == "s"
    assert (await _start(client, "t", singleton=only))["id"] == "s"


async def test_starts_that_follow_one_another_become_one(client: APIClient) -> None:
    """A debounced start waits, and the next one of its key is the same run; a delayed one waits, too."""
    body = {"workflow": "office/approval", "options": {"debounce": {"key": "k", "wait_s": 600, "max_wait_s": 900}}}
    first, second = [(await client.post("/runs", json=body)).json() for _ in range(2)]
    assert (first["id"], first["status"]) == (second["id"], "queued")
    assert (await _start(client, "later", delay_s=600))["status"] == "queued"
    assert (await _start(client, "then", start_at="2999-01-01T00:00:00Z"))["status"] == "queued"


@pytest.mark.parametrize(
    ("options", "code", "path"),
    [
        ({"priority": 3}, "START_OPTIONS_INVALID", None),
        ({"priority": 10, "queue": "one"}, "START_OPTIONS_INVALID", None),
        ({"delay_s": 1, "start_at": "2999-01-01T00:00:00Z"}, "START_OPTIONS_INVALID", None),
        ({"debounce": {"key": "", "wait_s": 1}}, "START_OPTIONS_INVALID", None),
        ({"singleton": {"key": ""}}, "START_OPTIONS_INVALID", None),
        ({"delay_s": -1}, "VALIDATION_FAILED", "body.options.delay_s"),
        ({"start_at": "2999-01-01T00:00:00"}, "VALIDATION_FAILED", "body.options.start_at"),
        ({"if_running": "hope"}, "VALIDATION_FAILED", "body.options.if_running"),
        ({"delay": 1}, "VALIDATION_FAILED", "body.options.delay"),
    ],
)
async def test_options_that_make_no_sense_start_nothing(
    client: APIClient, options: dict[str, Any], code: str, path: str | None
) -> None:
    """Options that are none, or do not go together, are refused, and there is no run."""
    error = await _refused(client, "POST", "/runs", json={"workflow": "office/approval", "options": options})
    assert (error.status_code, error.error_code) == (422, code)
    if path is not None:
        assert [item["path"] for item in error.errors] == [path]
    assert (await client.get("/runs/count")).json() == {"count": 0}
