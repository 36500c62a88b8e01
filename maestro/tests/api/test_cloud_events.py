"""Events over HTTP, and documents that events or time start."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, RemoteAPIException

Serve = Callable[..., Any]
STRUCTURED = {"content-type": "application/cloudevents+json"}
EVENT = {"specversion": "1.0", "id": "1", "source": "https://shop.example.com", "type": "order.paid", "data": {"n": 1}}
LISTEN = {"wait": {"listen": {"to": {"any": []}, "read": "envelope"}}}


async def _listening(client: APIClient, document: Callable[..., dict[str, Any]], run_id: str = "r") -> None:
    await client.put("/workflows/tests/job/1.0.0", json=document(LISTEN))
    await client.post("/runs", json={"workflow": "tests/job", "id": run_id})
    await _until(client, run_id, lambda run: any(wait["kind"] == "event" for wait in run["waiting_for"]))


async def _until(client: APIClient, run_id: str, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            with suppress(RemoteAPIException):  # it may not be there yet
                run: dict[str, Any] = (await client.get(f"/runs/{run_id}")).json()
                if met(run):
                    return run
            await asyncio.sleep(0.01)


async def _heard(client: APIClient, run_id: str = "r") -> Any:
    return (await _until(client, run_id, lambda run: run["status"] == "completed"))["output"]


@pytest.mark.runners("journal", "temporal")
async def test_a_structured_event_reaches_a_run(client: APIClient, document: Callable[..., dict[str, Any]]) -> None:
    """It is taken in once, and the answer says which time was the first."""
    await _listening(client, document)
    answer = await client.post("/events", json=EVENT, headers=STRUCTURED)
    assert answer.status_code == 202
    assert answer.json() == {"events": [{"source": "https://shop.example.com", "id": "1", "new": True}]}
    assert await _heard(client) == [EVENT]
    again = await client.post(
        "/events", json=EVENT, headers={"content-type": "application/cloudevents+json; charset=utf-8"}
    )
    assert again.json()["events"][0]["new"] is False


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"n": 1}', {"datacontenttype": "application/json", "data": {"n": 1}}),
        ("application/order+json", b"[1]", {"datacontenttype": "application/order+json", "data": [1]}),
        ("text/plain; charset=utf-8", "ä".encode(), {"datacontenttype": "text/plain; charset=utf-8", "data": "ä"}),
        ("text/plain", b"\xff", {"datacontenttype": "text/plain", "data_base64": "/w=="}),
        ("image/png", b"\xff\x00", {"datacontenttype": "image/png", "data_base64": "/wA="}),
        ("application/json", b"", {"datacontenttype": "application/json"}),
    ],
)
async def test_a_binary_event_has_its_attributes_in_headers(
    client: APIClient, document: Callable[..., dict[str, Any]], content_type: str, body: bytes, expected: dict[str, Any]
) -> None:
    """Percent-encoded where they are more than ASCII; the body is the data."""
    await _listening(client, document)
    headers = {
        "content-type": content_type, "ce-specversion": "1.0", "ce-id": "2", "ce-source": "/shop", "ce-type": "paid",
        "ce-subject": "K%C3%A4se", "ce-roomid": "r1",
    }  # fmt: skip
    assert (await client.post("/events", content=body, headers=headers)).status_code == 202
    attributes = {"specversion": "1.0", "id": "2", "source": "/shop", "type": "paid", "subject": "Käse", "roomid": "r1"}
    assert await _heard(client) == [{**attributes, **expected}]


@pytest.mark.runners("journal", "temporal")
async def test_a_batch_is_taken_in_as_a_whole(client: APIClient) -> None:
    """Each event is answered for; with one that is none, nothing is taken."""
    batch = {"content-type": "application/cloudevents-batch+json"}
    answer = await client.post("/events", json=[EVENT, {**EVENT, "id": "2"}, EVENT], headers=batch)
    assert [event["new"] for event in answer.json()["events"]] == [True, True, False]
    with pytest.raises(RemoteAPIException) as caught:
        await client.post("/events", json=[{**EVENT, "id": "3"}, {"specversion": "1.0"}], headers=batch)
    assert (caught.value.status_code, caught.value.errors[0]["path"]) == (422, "body/1/id")
    answer = await client.post("/events", json=[{**EVENT, "id": "3"}], headers=batch)
    assert answer.json()["events"][0]["new"] is True


@pytest.mark.parametrize(
    ("headers", "body", "path"),
    [
        (STRUCTURED, b"{", "body"),
        (STRUCTURED, b"[]", "body"),
        (STRUCTURED, b'{"id": "1"}', "body/specversion"),
        (STRUCTURED, b'{"specversion": "1.0", "id": "1", "source": "s", "type": 7}', "body/type"),
        ({"content-type": "application/cloudevents+xml"}, b"<event/>", "content-type"),
        ({"content-type": "application/json"}, b"{}", "content-type"),
        ({"content-type": "application/json", "ce-id": "1", "ce-type": "t", "ce-specversion": "1.0"}, b"{}", "headers/source"),
        ({"content-type": "application/json", "ce-id": "1", "ce-type": "t", "ce-source": "s"}, b"{}", "headers/specversion"),
        ({**STRUCTURED}, b'{"specversion": "0.3", "id": "1", "source": "s", "type": "t"}', "body/specversion"),
    ],
)  # fmt: skip
async def test_what_is_no_event_is_refused(client: APIClient, headers: dict[str, str], body: bytes, path: str) -> None:
    """With the place of what is wrong."""
    with pytest.raises(RemoteAPIException) as caught:
        await client.post("/events", content=body, headers=headers)
    assert (caught.value.status_code, caught.value.errors[0]["path"]) == (422, path)


async def test_only_operators_send_events(config: OrchestratorConfig, serve: Serve) -> None:
    """A viewer is told which role is missing."""
    async with serve(config, "viewer") as viewer:
        with pytest.raises(RemoteAPIException) as caught:
            await viewer.post("/events", json=EVENT, headers=STRUCTURED)
    assert caught.value.status_code == 403


async def test_a_document_with_a_schedule_starts_by_itself(
    config: OrchestratorConfig, serve: Serve, document: Callable[..., dict[str, Any]]
) -> None:
    """From its registration on, over a restart, until another version has another schedule, or none."""
    on = {"on": {"one": {"with": {"type": "order.paid"}}}}
    job = {"keep": {"set": {"orders": "${ $workflow.input }"}}}

    async def started(client: APIClient, count: int) -> list[Any]:
        async with asyncio.timeout(30):
            while True:
                runs = (await client.get("/runs", params={"workflow": "tests/job", "status": "completed"})).json()[
                    "runs"
                ]
                if len(runs) >= count:
                    return [(await client.get(f"/runs/{run['id']}")).json()["output"] for run in reversed(runs)]
                await asyncio.sleep(0.01)

    async def listens(client: APIClient, version: str) -> None:
        await _until(client, f"tests.job.on:{version}", lambda run: bool(run["waiting_for"]))

    async with serve(config) as client:
        await client.put("/workflows/tests/job/1.0.0", json=document(job, schedule={**on, "cron": "0 3 * * *"}))
        await listens(client, "1.0.0")
        await client.post("/events", json=EVENT, headers=STRUCTURED)
        assert await started(client, 1) == [{"orders": [{"n": 1}]}]
        assert [one["id"] for one in (await client.get("/schedules")).json()["schedules"]] == ["tests.job.cron"]
    async with serve(config) as client:
        await client.post("/events", json={**EVENT, "id": "2", "data": 2}, headers=STRUCTURED)
        assert (await started(client, 2))[1] == {"orders": [2]}
        await client.put("/workflows/tests/job/1.1.0", json=document(job, version="1.1.0"))
        assert (await client.get("/schedules")).json()["schedules"] == []
        await client.post("/events", json={**EVENT, "id": "3"}, headers=STRUCTURED)
        run = (await client.get("/runs/tests.job.on:1.0.0")).json()
        assert run["status"] == "terminated"
        assert len(await started(client, 2)) == 2


async def test_runs_tell_of_themselves_where_it_is_configured(
    config: OrchestratorConfig, serve: Serve, document: Callable[..., dict[str, Any]]
) -> None:
    """Lifecycle events reach documents that listen for them."""
    completed = {"with": {"type": "io.serverlessworkflow.workflow.completed.v1", "source": "/tests/other/1.0.0"}}
    listen = {"wait": {"listen": {"to": {"one": completed}}}}
    async with serve(config.model_copy(update={"lifecycle_events": True})) as client:
        await client.put("/workflows/tests/job/1.0.0", json=document(listen))
        await client.put("/workflows/tests/other/1.0.0", json=document({"a": {"set": {"n": 1}}}, name="other"))
        await client.post("/runs", json={"workflow": "tests/job", "id": "r"})
        await _until(client, "r", lambda run: any(wait["kind"] == "event" for wait in run["waiting_for"]))
        await client.post("/runs", json={"workflow": "tests/other", "id": "o"})
        (told,) = await _heard(client)
    assert (told["name"], told["output"]) == ("other-o.tests", {"n": 1})
