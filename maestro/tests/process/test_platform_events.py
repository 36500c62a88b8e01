"""SIGKILL for the orchestrator and for the event server, while runs emit and hear."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import nats as nats_client
import pytest
from nats.js.errors import NotFoundError
from pydantic import BaseModel

from maestro_core_api import APIClient, APIException, ClientConfig, issue_token
from maestro_core_messaging import Broker, EventType, read_event
from maestro_core_messaging.testing import NatsServer, eventually

SECRET = "a-secret-of-at-least-thirty-two-bytes"
RUNS, EVENTS = 20, 5
TOLD = "maestro.maestro-orchestrator.emitted.told"
EMITTER = """
document: {dsl: '1.0.3', namespace: tests, name: emitter, version: 1.0.0}
do:
""" + "\n".join(
    f"  - e{number}: {{emit: {{event: {{with: {{type: told, data: '${{ $workflow.id + \"-{number}\" }}'}}}}}}}}"
    for number in range(EVENTS)
)
COUNTER = """
document: {dsl: '1.0.3', namespace: tests, name: counter, version: 1.0.0}
do:
  - count:
      listen: {to: {any: [{with: {type: maestro.tests.number.drawn}}], until: '${ length >= $workflow.input }'}}
      foreach: {do: [{keep: {set: {number: '${ $item.number }'}}}]}
"""


class Drawn(BaseModel):
    number: int


DRAWN = EventType("tests.number.drawn", 1, Drawn)


class Process(Protocol):
    @property
    def url(self) -> str: ...
    def kill(self) -> None: ...


class Start(Protocol):
    def __call__(self, **settings: str) -> Process: ...


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        yield server


def _client(process: Process) -> APIClient:
    token = issue_token(SECRET, subject="tests", roles=["operator"])
    return APIClient(process.url, token=token, config=ClientConfig(circuit=None))


async def _told(url: str, wanted: set[str]) -> Counter[str]:
    """Wait until everything was told; gives how often each was."""
    found: Counter[str] = Counter()
    async with (
        asyncio.timeout(100),
        Broker.opened(url, service_name="tests") as broker,
        aclosing(broker.tail(TOLD, since=datetime(2020, 1, 1, tzinfo=UTC))) as stored,
    ):
        async for each in stored:
            found[read_event(each.body).data] += 1
            if found.keys() >= wanted:
                break
    return found


async def test_what_runs_told_is_published_whoever_dies(start: Start, nats: NatsServer) -> None:
    """The orchestrator is killed while it publishes, the server while it takes: every event is there, each run's in order."""
    first = start(messaging_url=nats.url)
    async with _client(first) as client:
        await client.put("/workflows/tests/emitter/1.0.0", content=EMITTER)
        for number in range(RUNS):
            await client.post("/runs", json={"workflow": "tests/emitter", "id": f"r{number}"})
        first.kill()
    second = start(messaging_url=nats.url)
    async with _client(second) as client:
        nats.kill()
        for number in range(RUNS, 2 * RUNS):
            await client.post("/runs", json={"workflow": "tests/emitter", "id": f"r{number}"})

        async def completed() -> bool:
            return (await client.get("/runs/count", params={"status": "completed"})).json()["count"] == 2 * RUNS

        await eventually(completed)
    second.kill()
    nats.start()
    start(messaging_url=nats.url)
    wanted = {f"r{run}-{number}" for run in range(2 * RUNS) for number in range(EVENTS)}
    found = await _told(nats.url, wanted)
    assert found.keys() == wanted
    # A double has the id of the first and comes within the server's memory of ids: none is stored.
    assert set(found.values()) == {1}


async def test_what_comes_is_heard_once_whoever_dies(start: Start, nats: NatsServer) -> None:
    """A run that counts hears each event once and in order, though the orchestrator and the server die in between."""
    settings = {"messaging_url": nats.url, "event_subjects": '["maestro.tests.>"]'}
    process = start(**settings)
    async with _client(process) as client:
        await client.put("/workflows/tests/counter/1.0.0", content=COUNTER)
        await client.post("/runs", json={"workflow": "tests/counter", "id": "counts", "input": 40})

        async def listens() -> bool:
            waits = (await client.get("/runs/counts")).json()["waiting_for"]
            return any(wait["kind"] == "event" for wait in waits)

        await eventually(listens)
        await eventually(lambda: _position_exists(nats))
    async with Broker.opened(nats.url, service_name="tests") as broker:
        for number in range(40):
            if number == 13:
                process.kill()
                process = start(**settings)
            if number == 26:
                nats.kill()
                nats.start()
            await broker.publish(DRAWN, Drawn(number=number), key="numbers", event_id=f"n{number}")

    async with _client(process) as client:

        async def output() -> list[dict[str, int]] | None:
            try:
                found: list[dict[str, int]] | None = (await client.get("/runs/counts")).json()["output"]
            except APIException:  # it is being started again
                return None
            return found

        found = await eventually(output)
    assert [each["number"] for each in found] == list(range(40))


async def _position_exists(nats: NatsServer) -> bool:
    connection = await nats_client.connect(nats.url)
    try:
        await connection.jetstream().consumer_info("MAESTRO", "maestro-orchestrator_workflows")
    except NotFoundError:
        return False
    finally:
        await connection.close()
    return True
