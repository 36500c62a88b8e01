"""The orchestrator on a real event server: what goes out, what comes in."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats as nats_client
import pytest
from nats.js.errors import NotFoundError
from pydantic import BaseModel, ValidationError

from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, RemoteAPIException
from maestro_core_messaging import Broker, Event, EventType, read_event, write_event
from maestro_core_messaging.testing import NatsServer, eventually

Serve = Callable[..., Any]
Document = Callable[..., dict[str, Any]]
OWN = "maestro.maestro-orchestrator."


class Decided(BaseModel):
    approval_id: str


DECIDED = EventType("governance-service.approval.decided", 1, Decided)
HEARD = {"listen": {"to": {"one": {"with": {"type": DECIDED.subject}}}, "read": "envelope"}}


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def connected(config: OrchestratorConfig, nats: NatsServer) -> OrchestratorConfig:
    """The configuration of an orchestrator on the platform."""
    return _connected(config, nats.url)


def _connected(config: OrchestratorConfig, url: str, **more: Any) -> OrchestratorConfig:
    own = {name: getattr(config, name) for name in config.model_fields_set}
    subjects = {"event_subjects": ["maestro.governance-service.>"]}
    return OrchestratorConfig.model_validate({**own, "messaging_url": url, **subjects, **more})


async def _published(url: str, count: int, subjects: str = f"{OWN}>") -> list[tuple[str, Event[Any]]]:
    """Wait for so many events since the beginning; gives each with its subject, in order."""
    found: list[tuple[str, Event[Any]]] = []
    async with (
        asyncio.timeout(60),
        Broker.opened(url, service_name="tests") as broker,
        aclosing(broker.tail(subjects, since=datetime(2020, 1, 1, tzinfo=UTC))) as stored,
    ):
        async for each in stored:
            found.append((each.subject, read_event(each.body)))
            if len(found) == count:
                break
    return found


async def _run(client: APIClient, run_id: str) -> dict[str, Any]:
    with suppress(RemoteAPIException):  # it may not be there yet
        found: dict[str, Any] = (await client.get(f"/runs/{run_id}")).json()
        return found
    return {"status": "unknown", "waiting_for": []}


async def _completed(client: APIClient, run_id: str) -> Any:
    async def output() -> Any:
        run = await _run(client, run_id)
        return run if run["status"] == "completed" else None

    return (await eventually(output))["output"]


async def _listens(client: APIClient, run_id: str) -> None:
    async def look() -> bool:
        return any(wait["kind"] == "event" for wait in (await _run(client, run_id))["waiting_for"])

    await eventually(look)


async def test_events_of_runs_reach_the_platform(
    serve: Serve, connected: OrchestratorConfig, nats: NatsServer, document: Document
) -> None:
    """Lifecycle and emitted events come in the order of the run, with the run as their key and the caller's trace."""
    emit = {"emit": {"event": {"with": {"type": "order.ready", "data": {"n": 1}}}}}
    trace = f"{0xFEED:032x}"
    async with serve(connected.model_copy(update={"lifecycle_events": True})) as client:
        await client.put("/workflows/tests/job/1.0.0", json=document({"tell": emit}))
        traced = {"traceparent": f"00-{trace}-{0xAB:016x}-01"}
        await client.post("/runs", json={"workflow": "tests/job", "id": "r"}, headers=traced)
        await _completed(client, "r")
        found = await _published(nats.url, 6)
        shown = (await client.get("/metrics")).text
    assert [subject.removeprefix(OWN) for subject, _ in found] == [
        "workflow.started",
        "task.created",
        "task.started",
        "emitted.order.ready",
        "task.completed",
        "workflow.completed",
    ]
    assert {event.key for _, event in found} == {"r"}
    assert {event.extensions["traceparent"].split("-")[1] for _, event in found} == {trace}
    assert (found[3][1].type, found[3][1].source, found[3][1].data) == ("order.ready", "/tests/job/1.0.0", {"n": 1})
    assert "messaging_events_published_total" in shown
    assert "maestro_events_held_up_seconds" in shown


async def test_events_of_the_platform_reach_workflows(
    serve: Serve, connected: OrchestratorConfig, nats: NatsServer, document: Document
) -> None:
    """A run that listens hears one, a document that it starts is started, with its trace; the same one again does nothing."""
    schedule = {"on": {"one": {"with": {"type": DECIDED.subject}}}}
    async with (
        serve(connected) as client,
        Broker.opened(nats.url, service_name="governance-service") as governance,
    ):
        await client.put("/workflows/tests/hears/1.0.0", json=document({"wait": HEARD}, name="hears"))
        started = document(
            {"a": {"set": {"id": "${ $workflow.input[0].approval_id }"}}}, name="starts", schedule=schedule
        )
        await client.put("/workflows/tests/starts/1.0.0", json=started)
        await client.post("/runs", json={"workflow": "tests/hears", "id": "first"})
        await _listens(client, "first")
        await _listens(client, "tests.starts.on:1.0.0")
        await _is_heard(nats.url)
        sent = await governance.publish(DECIDED, Decided(approval_id="a-7"), event_id="once", key="a-7")
        trace = sent.extensions["traceparent"]
        (heard,) = await _completed(client, "first")
        assert (heard["id"], heard["type"], heard["data"]) == ("once", DECIDED.subject, {"approval_id": "a-7"})
        assert (heard["source"], heard["partitionkey"]) == (sent.source, "a-7")
        assert heard["traceparent"] == trace

        # The same again, past what the server itself would notice; a later one shows that it has been through.
        await client.post("/runs", json={"workflow": "tests/hears", "id": "second"})
        await _listens(client, "second")
        for event_id, approval in (("once", "a-7"), ("twice", "a-8")):
            event = governance.event(DECIDED, Decided(approval_id=approval), event_id=event_id, key="a-7")
            await _forced(nats.url, event)
        (heard,) = await _completed(client, "second")
        assert heard["id"] == "twice"

        async def outputs() -> list[tuple[str, str | None]] | None:
            runs = (await client.get("/runs", params={"workflow": "tests/starts", "status": "completed"})).json()[
                "runs"
            ]
            shown = [await _run(client, run["id"]) for run in runs]
            found = sorted((each["output"]["id"], each["trace_id"]) for each in shown)
            return found if len(found) >= 2 else None

        (first, of_trace), (second, _) = await eventually(outputs)
        assert (first, second) == ("a-7", "a-8")
        assert of_trace == trace.split("-")[1]


async def _is_heard(url: str) -> None:
    """Wait until the orchestrator's position exists: it begins with what is new."""
    connection = await nats_client.connect(url)

    async def exists() -> bool:
        try:
            await connection.jetstream().consumer_info("MAESTRO", "maestro-orchestrator_workflows")
        except NotFoundError:
            return False
        return True

    await eventually(exists)
    await connection.close()


async def _forced(url: str, event: Event[Any]) -> None:
    """Publish without the id by which the server would know the event."""
    connection = await nats_client.connect(url)
    await connection.jetstream().publish(event.type, write_event(event))
    await connection.close()


async def test_it_starts_without_the_server_and_loses_nothing(
    serve: Serve, config: OrchestratorConfig, tmp_path: Path, document: Document
) -> None:
    """Runs go on while the server is away; what they told goes out when it is there, also after a restart in between."""
    nats = NatsServer(tmp_path / "nats")
    late = _connected(config, nats.url, messaging_connect_timeout_s=0.5, messaging_publish_timeout_s=0.5)
    emit = {"emit": {"event": {"with": {"type": "order.ready", "data": "${ $workflow.id }"}}}}
    async with serve(late) as client:
        await client.put("/workflows/tests/job/1.0.0", json=document({"tell": emit}))
        for number in range(3):
            await client.post("/runs", json={"workflow": "tests/job", "id": f"r{number}"})
            await _completed(client, f"r{number}")
        assert (await client.get("/health/ready")).status_code == 200
    async with serve(late) as client:
        await client.post("/runs", json={"workflow": "tests/job", "id": "r3"})
        await _completed(client, "r3")
        with nats:
            found = await _published(nats.url, 4)
    assert [event.data for _, event in found] == ["r0", "r1", "r2", "r3"]


@pytest.mark.parametrize("url", [None, "memory://"])
async def test_without_a_server_nothing_is_kept_for_it(
    serve: Serve, config: OrchestratorConfig, document: Document, url: str | None
) -> None:
    """With no event server the journal's outbox stays empty, and no metric speaks of it."""
    config = config.model_copy(update={"messaging_url": url})
    emit = {"emit": {"event": {"with": {"type": "order.ready"}}}}
    async with serve(config) as client:
        await client.put("/workflows/tests/job/1.0.0", json=document({"tell": emit}))
        await client.post("/runs", json={"workflow": "tests/job", "id": "r"})
        await _completed(client, "r")
        assert "maestro_events_held_up_seconds" not in (await client.get("/metrics")).text
    journal = sqlite3.connect(config.storage_dir / "runs.db")
    assert journal.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    journal.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"event_subjects": ["maestro.>"]}, "set messaging_url"),
        ({"event_subjects": ["maestro.>"], "messaging_url": "memory://"}, "set messaging_url"),
        ({"event_subjects": ["orders.paid"], "messaging_url": "nats://x:1"}, "orders.paid"),
        ({"event_subjects": ["maestro.a.>", "maestro.*.b"], "messaging_url": "nats://x:1"}, "in common"),
    ],
)
def test_what_cannot_be_heard_is_refused(config: OrchestratorConfig, settings: dict[str, Any], said: str) -> None:
    """Subjects without a server, outside the platform or overlapping each other are faults of the configuration."""
    own = {name: getattr(config, name) for name in config.model_fields_set}
    with pytest.raises(ValidationError, match=said):
        OrchestratorConfig.model_validate({**own, **settings})


async def test_a_connection_that_is_gone_for_good_is_opened_anew(
    serve: Serve,
    connected: OrchestratorConfig,
    nats: NatsServer,
    document: Document,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client gives up after an error of the server; what runs tell after it goes out by another broker."""
    brokers: list[Broker] = []
    made = Broker.__init__

    def noted(broker: Broker, *arguments: Any, **options: Any) -> None:
        made(broker, *arguments, **options)
        brokers.append(broker)

    monkeypatch.setattr(Broker, "__init__", noted)
    emit = {"emit": {"event": {"with": {"type": "order.ready"}}}}
    async with serve(connected) as client:
        await eventually(lambda: len(brokers) == 1)
        transport: Any = brokers[0]._transport
        transport._connection.client._max_payload = 10_000_000
        await transport._connection.client.publish("maestro-nobody", b"x" * 2_000_000)
        await eventually(lambda: len(brokers) == 2)
        await client.put("/workflows/tests/job/1.0.0", json=document({"tell": emit}))
        await client.post("/runs", json={"workflow": "tests/job", "id": "r"})
        await _published(nats.url, 1)
