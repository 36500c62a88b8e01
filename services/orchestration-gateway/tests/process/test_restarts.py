"""Real processes: streams over kills, a friendly stop, and starts that cannot be."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from maestro_core_api import issue_token
from orchestration_gateway.testing import ServiceProcess

SECRET = "a-secret-of-at-least-thirty-two-bytes"
TICKS = """
document: {dsl: '1.0.3', namespace: shop, name: ticks, version: 1.0.0}
do:
  - first: {set: {n: 0}}
  - once: {listen: {to: {one: {with: {type: go.on, subject: one}}}}}
  - twice: {listen: {to: {one: {with: {type: go.on, subject: two}}}}}
  - last: {set: {n: 1}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Pair:
    """A gateway and an orchestrator in processes of their own, on ports that stay."""

    def __init__(self, folder: Path) -> None:
        ports = (free_port(), free_port())
        common = {"MAESTRO_JWT_SECRET": SECRET, "MAESTRO_DATA_DIR": str(folder / "data")}
        self.orchestrator_url, self.gateway_url = (f"http://127.0.0.1:{port}" for port in ports)
        self.orchestrator = ServiceProcess(
            "maestro", folder / "orchestrator", {**common, "MAESTRO_ORCHESTRATOR_PORT": str(ports[0])}
        )
        self.gateway = ServiceProcess(
            "orchestration_gateway",
            folder / "gateway",
            {
                **common,
                "ORCHESTRATION_GATEWAY_PORT": str(ports[1]),
                "ORCHESTRATION_GATEWAY_ORCHESTRATOR_URL": self.orchestrator_url,
                "ORCHESTRATION_GATEWAY_FEED_INTERVAL_S": "0.1",
            },
        )
        self.headers = {"Authorization": f"Bearer {issue_token(SECRET, subject='test', roles=['admin'])}"}

    def client(self, url: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=url, headers=self.headers, trust_env=False, timeout=30)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    try:
        yield made
    finally:
        made.gateway.close()
        made.orchestrator.close()


async def follow(pair: Pair, path: str, seen: list[dict[str, str]], over: str, *, news: asyncio.Event) -> None:
    """Follow a stream as a browser does: over whatever breaks, from the last id on, until an event of a kind."""
    last = ""
    while True:
        headers = {"Last-Event-ID": last} if last else {}
        try:
            async with pair.client(pair.gateway_url) as client, client.stream("GET", path, headers=headers) as response:
                event: dict[str, str] = {}
                async for line in response.aiter_lines():
                    name, _, value = line.partition(": ")
                    if line and name:
                        event[name] = value
                        continue
                    if "id" in event:
                        last = event["id"]
                        seen.append(event)
                        news.set()
                    if event.get("event") == over:
                        return
                    event = {}
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.05)


async def wait_for(seen: list[dict[str, str]], count: int, news: asyncio.Event) -> None:
    async with asyncio.timeout(60):
        while len(seen) < count:
            news.clear()
            await news.wait()


async def go_on(client: httpx2.AsyncClient, subject: str) -> None:
    event = {"specversion": "1.0", "id": subject, "source": "/test", "type": "go.on", "subject": subject}
    answer = await client.post("/events", json=event, headers={"content-type": "application/cloudevents+json"})
    assert answer.status_code == 202


async def until_waiting(client: httpx2.AsyncClient) -> int:
    async with asyncio.timeout(60):
        while not (await client.get("/runs/r")).json()["waiting_for"]:
            await asyncio.sleep(0.02)
    return len((await client.get("/runs/r/history")).json()["events"])


@pytest.mark.timeout(240)
async def test_no_event_is_lost_over_the_death_of_both(pair: Pair) -> None:
    """A client that resumes sees each event of a run once, in order, though gateway and orchestrator are killed meanwhile."""
    await asyncio.to_thread(pair.orchestrator.start)
    await asyncio.to_thread(pair.gateway.start)
    seen: list[dict[str, str]] = []
    news = asyncio.Event()
    async with pair.client(pair.orchestrator_url) as orchestrator:
        assert (await orchestrator.put("/workflows/shop/ticks/1.0.0", content=TICKS)).status_code == 201
        assert (await orchestrator.post("/runs", json={"workflow": "shop/ticks", "id": "r"})).status_code == 202
        following = asyncio.create_task(follow(pair, "/live/runs/r", seen, "complete", news=news))
        await wait_for(seen, await until_waiting(orchestrator), news)
        await asyncio.to_thread(pair.gateway.kill)
        await go_on(orchestrator, "one")
        await asyncio.to_thread(pair.gateway.start)
        await wait_for(seen, await until_waiting(orchestrator), news)
        await asyncio.to_thread(pair.orchestrator.kill)
        await asyncio.to_thread(pair.orchestrator.start)
        await go_on(orchestrator, "two")
        async with asyncio.timeout(60):
            await following
        history = (await orchestrator.get("/runs/r/history")).json()["events"]
    assert [json.loads(event["data"]) for event in seen] == history


@pytest.mark.timeout(240)
async def test_a_stop_is_friendly_to_streams(pair: Pair) -> None:
    """SIGTERM ends the process with 0 while streams are open: SSE ends properly, WebSockets are told to come back."""
    await asyncio.to_thread(pair.gateway.start)
    async with pair.client(pair.gateway_url) as client, client.stream("GET", "/live/runs") as response:
        lines = response.aiter_lines()
        assert await anext(lines)
        url = pair.gateway_url.replace("http", "ws") + "/live/ws/runs"
        async with connect(url, additional_headers=pair.headers) as web_socket:
            await web_socket.send('{"after": null}')
            stopped = asyncio.create_task(asyncio.to_thread(pair.gateway.stop))
            with pytest.raises(ConnectionClosed):
                await web_socket.recv()
            assert web_socket.close_code == 1012
        assert [line async for line in lines][-1] == ""
        assert await stopped == 0


def started_with(pair: Pair, **settings: str) -> Any:
    process = ServiceProcess(
        "orchestration_gateway", pair.gateway.log.parent, {"MAESTRO_JWT_SECRET": SECRET, **settings}
    )
    with pytest.raises(RuntimeError) as caught:
        process.start()
    process.close()
    return caught.value


@pytest.mark.timeout(240)
def test_starts_that_cannot_be(pair: Pair, tmp_path: Path) -> None:
    """A wrong setting, a wrong trigger file and a damaged database are told with what to do, and nothing is overwritten."""
    assert "ORCHESTRATION_GATEWAY_STREAM_BUFFER" in str(started_with(pair, ORCHESTRATION_GATEWAY_STREAM_BUFFER="1"))
    folder = tmp_path / "triggers"
    folder.mkdir()
    (folder / "hook.yaml").write_text("kind: webhook\nworkflow: a/b\nsecrets: [whsec_x]\n")
    told = str(started_with(pair, ORCHESTRATION_GATEWAY_TRIGGERS_DIR=str(folder)))
    assert "hook.yaml" in told
    assert "secret_names" in told
    data = tmp_path / "damaged"
    data.mkdir()
    (data / "orchestration-gateway.db").write_bytes(b"not a database " * 1_000)
    assert "orchestration-gateway.db" in str(started_with(pair, MAESTRO_DATA_DIR=str(data)))
    assert (data / "orchestration-gateway.db").stat().st_size == 15_000
