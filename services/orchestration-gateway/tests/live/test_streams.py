"""Live streams of a real orchestrator, over SSE and WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from orchestration_gateway.tables import FEED_STATE

EVENT = {"specversion": "1.0", "id": "e1", "source": "/tests", "type": "go.on", "data": {}}


@asynccontextmanager
async def stream(client: httpx2.AsyncClient, url: str, **options: Any) -> AsyncIterator[Any]:
    async with client.stream("GET", url, timeout=60, **options) as response:
        assert response.status_code == 200, await response.aread()
        yield messages(response)


async def messages(response: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    """The messages of a stream, comments left out."""
    found: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line == "":
            if found.keys() - {"retry"}:
                yield found
            found = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[name] = value


async def start(world: Any, workflow: str, run_id: str, **more: Any) -> None:
    answer = await world.orchestrator.post("/runs", json={"workflow": workflow, "id": run_id, **more})
    assert answer.status_code == 202, answer.text


async def go_on(world: Any) -> None:
    media = {"content-type": "application/cloudevents+json"}
    assert (await world.orchestrator.post("/events", json=EVENT, headers=media)).status_code == 202


async def history(world: Any, run_id: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await world.orchestrator.get(f"/runs/{run_id}/history")).json()["events"]
    return events


async def until_waiting(world: Any, run_id: str) -> None:
    async with asyncio.timeout(60):
        while not (await world.orchestrator.get(f"/runs/{run_id}")).json()["waiting_for"]:
            await asyncio.sleep(0.01)


async def test_a_run_is_followed_to_its_end(world: Any) -> None:
    """The stream is the run's history, each event with its position as id, and it says that it is complete."""
    await start(world, "shop/waits", "r")
    await until_waiting(world, "r")
    seen = []
    async with stream(world.gateway, "/live/runs/r") as events:
        async for event in events:
            seen.append(event)
            if event["event"] == "run_started":
                await go_on(world)
    assert seen.pop()["event"] == "complete"
    assert [json.loads(event["data"]) for event in seen] == await history(world, "r")
    assert [int(event["id"]) for event in seen] == [event["position"] for event in await history(world, "r")]


async def test_a_client_resumes_behind_what_it_has_seen(world: Any) -> None:
    """With Last-Event-ID, or `after` in the address, only what came later is sent; all of an ended run: nothing but its end."""
    await start(world, "shop/echo", "r", input={"order": 1})
    await world.ended("r")
    events = await history(world, "r")
    middle, last = events[1]["position"], events[-1]["position"]
    for options in ({"headers": {"Last-Event-ID": str(middle)}}, {"params": {"after": str(middle)}}):
        async with stream(world.gateway, "/live/runs/r", **options) as found:
            seen = [each async for each in found]
        assert [each.get("id") for each in seen] == [*(str(each["position"]) for each in events[2:]), None]
    async with stream(world.gateway, "/live/runs/r", headers={"Last-Event-ID": str(last)}) as found:
        assert [each["event"] async for each in found] == ["complete"]


async def test_many_look_at_one_run_over_one_connection(world: Any) -> None:
    """However many clients follow a run, and wherever they begin, the orchestrator has one stream, and none misses anything."""
    await start(world, "shop/waits", "r")
    await until_waiting(world, "r")
    hub = await held(world)
    begun = asyncio.Barrier(21)

    async def follow(after: int | None) -> list[int]:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        seen = []
        async with stream(world.gateway, "/live/runs/r", headers=headers) as events:
            first = asyncio.ensure_future(anext(events))
            await begun.wait()
            seen.append(await first)
            seen += [each async for each in events]
        return [int(each["id"]) for each in seen if "id" in each]

    clients = [asyncio.create_task(follow(None if n % 2 else 0)) for n in range(20)]
    await begun.wait()
    assert hub.upstreams == 1
    await go_on(world)
    results = await asyncio.gather(*clients)
    positions = [event["position"] for event in await history(world, "r")]
    assert results == [positions if n % 2 else positions[1:] for n in range(20)]


async def test_a_place_that_a_run_has_not_reached_blinds_nobody(world: Any) -> None:
    """Whatever number a client comes with, those who follow the run after it are sent everything."""
    await start(world, "shop/waits", "r")
    await until_waiting(world, "r")
    hub = await held(world)
    async with stream(world.gateway, "/live/runs/r", headers={"Last-Event-ID": str(2**63 - 1)}) as forged:
        async with asyncio.timeout(60):
            while not hub.upstreams:
                await asyncio.sleep(0.01)
        seen = []
        async with stream(world.gateway, "/live/runs/r") as events:
            async for event in events:
                if not seen:
                    await go_on(world)
                seen.append(event)
        assert seen.pop()["event"] == "complete"
        assert [int(each["id"]) for each in seen] == [each["position"] for each in await history(world, "r")]
        assert [each["event"] async for each in forged] == ["complete"]


async def held(world: Any) -> Any:
    """The hub inside of the running gateway."""
    found: list[Any] = []

    from fastapi import Request

    from maestro_core_api import public

    @world.app.get("/tests/hub")
    @public
    async def hub(request: Request) -> dict[str, str]:
        found.append(request.state.hub)
        return {}

    await world.gateway.get("/tests/hub")
    return found[0]


async def test_tickets_open_streams_and_nothing_else(open_world: Callable[..., Any]) -> None:
    """A ticket in the address opens a stream as whoever asked for it; it is no token, and a token is no ticket."""
    async with open_world() as world:
        made = (await world.gateway.post("/live/tickets")).json()
        bare = httpx2.AsyncClient(base_url=world.gateway.base_url, trust_env=False)
        async with bare:
            async with bare.stream("GET", "/live/runs", params={"ticket": made["ticket"]}) as response:
                assert response.status_code == 200
            token = world.gateway.headers["authorization"].removeprefix("Bearer ")
            for ticket in ("", "x.y", made["ticket"][:-1], token, "é"):
                answer = await bare.get("/live/runs", params={"ticket": ticket})
                assert (answer.status_code, answer.json()["error_code"]) == (401, "TICKET_INVALID"), ticket
            assert (await bare.get("/live/runs")).json()["error_code"] == "AUTH_REQUIRED"
            answer = await bare.get("/triggers", headers={"Authorization": f"Bearer {made['ticket']}"})
            assert answer.json()["error_code"] == "TOKEN_INVALID"


async def test_a_run_that_is_not_there(world: Any) -> None:
    """An unknown run is 404, a place that is none 422; over WebSocket the door stays closed."""
    assert (await world.gateway.get("/live/runs/nothing")).json()["error_code"] == "RUN_NOT_FOUND"
    assert (await world.gateway.get("/live/runs/r", headers={"Last-Event-ID": "x"})).status_code == 422
    with pytest.raises(InvalidStatus):
        async with connect(address(world, "/live/ws/runs/nothing"), additional_headers=token(world)):
            pass


def address(world: Any, path: str) -> str:
    return str(world.gateway.base_url).rstrip("/").replace("http", "ws") + path


def token(world: Any) -> dict[str, str]:
    return {"Authorization": world.gateway.headers["authorization"]}


async def test_a_websocket_follows_and_resumes(world: Any) -> None:
    """The first message says where to go on; every event has a cursor for the next time."""
    await start(world, "shop/echo", "r", input={"order": 1})
    await world.ended("r")
    events = await history(world, "r")
    for after, expected in ((None, events), (events[1]["position"], events[2:])):
        async with connect(address(world, "/live/ws/runs/r"), additional_headers=token(world)) as socket:
            await socket.send(json.dumps({"after": after}))
            seen = [json.loads(message) async for message in socket]
        assert socket.close_code == 1000
        assert seen.pop() == {"kind": "complete", "detail": ""}
        assert [each["data"] for each in seen] == expected
        assert [each["cursor"] for each in seen] == [each["position"] for each in expected]


@pytest.mark.parametrize(
    "first", ["x", "[]", '{"after": "1"}', '{"after": true}', '{"more": 1}', '{"after": -2}', "x" * 2_000]
)
async def test_a_first_message_that_is_none(world: Any, first: str) -> None:
    """It is refused with a reason, and the connection closed."""
    async with connect(address(world, "/live/ws/runs"), additional_headers=token(world)) as socket:
        await socket.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007


async def test_all_runs_are_followed_and_resumed(world: Any) -> None:
    """Each run's beginning and end is one numbered change; who comes back with the last number misses none."""
    async with stream(world.gateway, "/live/runs") as events:
        coming = asyncio.ensure_future(anext(events))
        await started_looking(world)
        await start(world, "shop/echo", "a", input={"order": 1})
        first = await coming
        second = await anext(events)
    assert [(each["event"], json.loads(each["data"])["id"]) for each in (first, second)] == [
        ("run_created", "a"),
        ("run_finished", "a"),
    ]
    for name in ("b", "c"):
        await start(world, "shop/echo", name, input={"order": 1})
        await world.ended(name)
    seen = []
    async with stream(world.gateway, "/live/runs", headers={"Last-Event-ID": first["id"]}) as events:
        async for event in events:
            seen.append((event["event"], json.loads(event["data"])["id"]))
            if len(seen) == 5:
                break
    assert seen[0] == ("run_finished", "a")
    assert sorted(seen[1:]) == sorted((kind, name) for kind in ("run_created", "run_finished") for name in "bc")


async def started_looking(world: Any) -> None:
    """Wait until the gateway knows from when on it looks."""
    changes = await held_changes(world)
    async with asyncio.timeout(60):
        while True:
            async with changes._db.reading() as session:
                if (await session.execute(select(FEED_STATE))).all():
                    return
            await asyncio.sleep(0.01)


async def held_changes(world: Any) -> Any:
    found: list[Any] = []

    from fastapi import Request

    from maestro_core_api import public

    @world.app.get("/tests/changes")
    @public
    async def changes(request: Request) -> dict[str, str]:
        found.append(request.state.changes)
        return {}

    await world.gateway.get("/tests/changes")
    return found[0]


async def test_a_quiet_stream_beats(open_world: Callable[..., Any]) -> None:
    """Where nothing happens, a comment or message says that the connection is alive."""
    async with open_world(stream_heartbeat_s=0.05) as world:
        async with world.gateway.stream("GET", "/live/runs", timeout=60) as response:
            async for line in response.aiter_lines():
                if line == ": waiting":
                    break
        async with connect(address(world, "/live/ws/runs"), additional_headers=token(world)) as socket:
            await socket.send('{"after": null}')
            assert json.loads(await socket.recv()) == {"kind": "heartbeat"}


async def test_streams_have_a_quota(open_world: Callable[..., Any]) -> None:
    """Beyond a tenant's streams the answer is a 429 that names the rule; a stream that ends makes room."""
    async with open_world(quota={"streams": 2}) as world:
        async with world.gateway.stream("GET", "/live/runs"), world.gateway.stream("GET", "/live/runs"):
            refused = await world.gateway.get("/live/runs")
            problem = refused.json()
            assert (refused.status_code, problem["rule"], problem["limit"]) == (429, "streams-per-tenant", 2)
            assert problem["retry_after"] == 1
        async with asyncio.timeout(60):
            while True:
                async with world.gateway.stream("GET", "/live/runs") as response:
                    if response.status_code == 200:
                        break
                await asyncio.sleep(0.01)
