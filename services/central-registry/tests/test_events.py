"""Events of instances, over a real NATS server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from central_registry.bootstrap import create_app
from central_registry.config import CentralRegistryConfig
from central_registry.database import RegistryDatabase
from central_registry.domain import ChangeKind, Notice, Registration, StorageError
from central_registry.events import EVENT_TYPES, InstanceEvent, written
from central_registry.outbox import SqliteOutbox
from central_registry.storage import SqliteRegistrationStore
from maestro_core_api import APIClient, issue_token
from maestro_core_api.testing import running
from maestro_core_messaging import Broker, BrokerUnavailableError, Event, read_event
from maestro_core_messaging.testing import NatsServer, eventually

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REGISTRATION = Registration(
    service="echo",
    instance_id="a",
    url="http://127.0.0.1:1",
    version="1.0.0",
    metadata={},
    lease=timedelta(seconds=10),
    registered_at=NOW,
    zone="eu-1",
    tags=frozenset({"blue"}),
)


def test_an_event_says_what_happened_to_whom() -> None:
    """The event is a CloudEvent of the registry, about one instance, in the order of that instance."""
    event = written(Notice(ChangeKind.LOST, NOW, REGISTRATION))
    read = read_event(event.event_json.encode())
    assert event.subject == read.type == "maestro.central-registry.instance.lost"
    assert (read.source, read.subject, read.key, read.time) == ("/central-registry", "echo/a", "echo/a", NOW)
    assert InstanceEvent.model_validate(read.data).zone == "eu-1"


@asynccontextmanager
async def outbox(folder: Path, **options: Any) -> AsyncIterator[tuple[SqliteOutbox, SqliteRegistrationStore]]:
    async with RegistryDatabase.opened(folder / "registry.db") as database:
        box = SqliteOutbox(database, **options)
        yield box, SqliteRegistrationStore(database, box)


def notice(kind: ChangeKind = ChangeKind.REGISTERED, instance_id: str = "a") -> Notice:
    return Notice(kind, NOW, replace(REGISTRATION, instance_id=instance_id))


async def test_what_is_owed_is_kept_with_the_change(tmp_path: Path) -> None:
    """An event is in the file exactly when its registration is, and stays there until it was published."""
    async with outbox(tmp_path) as (_, store):
        await store.save(REGISTRATION, [notice()])
        await store.remove([REGISTRATION.key], [notice(ChangeKind.LEFT)])
    async with outbox(tmp_path) as (box, _):
        owed = await box.claim()
        assert [entry.subject.rpartition(".")[2] for entry in owed] == ["registered", "left"]
        await box.done(owed)
        assert (await box.state()).pending == 0
    async with outbox(tmp_path) as (box, _):
        assert await box.claim() == []


async def test_an_instance_has_its_events_one_after_the_other(tmp_path: Path) -> None:
    """While an event of an instance is claimed or waits for its next try, later ones of it are not handed out; others are."""
    async with outbox(tmp_path) as (box, store):
        await store.save(REGISTRATION, [notice()])
        (first,) = await box.claim()
        await store.save(REGISTRATION, [notice(ChangeKind.LEFT), notice(instance_id="b")])
        (other,) = await box.claim()
        assert other.key == "echo/b"
        await box.failed(first, "refused")
        assert await box.claim() == []
        box._due.clear()
        again = await box.claim()
        assert [(entry.position, entry.attempts) for entry in again] == [(first.position, 1), (first.position + 1, 0)]
        await box.released(again)
        assert [entry.position for entry in await box.claim()] == [entry.position for entry in again]


async def test_a_claim_ends_with_its_lease(tmp_path: Path) -> None:
    """Of two relays one has an event; when its process dies, or its work cannot be noted, the event is handed out again."""
    async with outbox(tmp_path) as (box, store):
        await store.save(REGISTRATION, [notice()])
        claims = await asyncio.gather(box.claim(), box.claim())
        assert sorted(map(len, claims)) == [0, 1]
    async with RegistryDatabase.opened(tmp_path / "registry.db") as database:
        box = SqliteOutbox(database)
        (first,) = await box.claim(lease=timedelta())
        async with database.engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA query_only = 1")
        with pytest.raises(StorageError):
            await box.done([first])
        assert await box.claim() == [first]


async def test_the_outbox_is_bounded(tmp_path: Path) -> None:
    """When nobody takes events for too long, the oldest are dropped and the latest kept."""
    async with outbox(tmp_path, most=3) as (box, store):
        for number in range(5):
            await store.save(REGISTRATION, [notice(instance_id=f"i{number}")])
        assert [entry.key for entry in await box.claim()] == ["echo/i2", "echo/i3", "echo/i4"]


async def test_whoever_waits_is_told_of_arrivals(tmp_path: Path) -> None:
    """A relay that waits wakes up when an event is added, and otherwise when its time is over."""
    async with outbox(tmp_path) as (box, store):
        assert not await box.arrived(timedelta(milliseconds=10))
        waiting = asyncio.create_task(box.arrived(timedelta(seconds=30)))
        await asyncio.sleep(0)
        await store.save(REGISTRATION, [notice()])
        assert await waiting


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats")
    try:
        yield server
    finally:
        server.stop()


async def test_events_reach_the_platform_and_outlast_an_outage(tmp_path: Path, nats: NatsServer) -> None:
    """The registry starts and works while the server for events is away; what happened then is published when it comes."""
    config = CentralRegistryConfig(
        environment="test",
        data_dir=tmp_path,
        jwt_secret=SecretStr(SECRET),
        messaging_url=nats.url,
        messaging_connect_timeout_s=1,
    )
    token = issue_token(SECRET, subject="test", roles=("operator",))
    entry = {"url": "http://127.0.0.1:8000", "version": "1.0.0", "lease_s": 60, "tags": ["blue"]}
    heard: list[Event[InstanceEvent]] = []
    async with running(create_app(config)) as url, APIClient(url, token=token) as client:
        await client.put("/services/echo/instances/a", json=entry)
        await client.delete("/services/echo/instances/a")
        nats.start()
        async with Broker.opened(nats.url, service_name="listener") as broker:

            @broker.subscriber(*EVENT_TYPES, durable="all")
            async def hear(event: Event[InstanceEvent]) -> None:
                heard.append(event)

            await client.put("/services/echo/instances/b", json={**entry, "lease_s": 1})
            async with asyncio.timeout(60):
                while len([event for event in heard if event.data.service == "echo"]) < 4:
                    await asyncio.sleep(0.05)
        document = (await client.get("/catalog/central-registry/asyncapi")).json()
    seen = [(event.type.rpartition(".")[2], event.data.instance_id) for event in heard if event.data.service == "echo"]
    assert sorted(seen) == [("left", "a"), ("lost", "b"), ("registered", "a"), ("registered", "b")]
    assert seen.index(("registered", "a")) < seen.index(("left", "a"))
    assert seen.index(("registered", "b")) < seen.index(("lost", "b"))
    assert len({event.id for event in heard}) == len(heard)
    assert len(document["channels"]) == 3


async def test_a_connection_that_is_gone_for_good_is_opened_anew(
    tmp_path: Path, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client gives up after an error of the server; the registry does not, and publishes what happens after it."""
    nats.start()
    brokers: list[Broker] = []
    made = Broker.__init__

    def noted(broker: Broker, *arguments: Any, **options: Any) -> None:
        brokers.append(broker)
        made(broker, *arguments, **options)

    monkeypatch.setattr(Broker, "__init__", noted)
    config = CentralRegistryConfig(
        environment="test", data_dir=tmp_path, jwt_secret=SecretStr(SECRET), messaging_url=nats.url
    )
    token = issue_token(SECRET, subject="test", roles=("operator",))
    entry = {"url": "http://127.0.0.1:8000", "version": "1.0.0", "lease_s": 60}
    heard: list[str] = []
    async with (
        running(create_app(config)) as url,
        APIClient(url, token=token) as client,
        Broker.opened(nats.url, service_name="listener") as listener,
    ):

        @listener.subscriber(*EVENT_TYPES, durable="all")
        async def hear(event: Event[InstanceEvent]) -> None:
            heard.append(event.data.instance_id)

        await client.put("/services/echo/instances/a", json=entry)
        await eventually(lambda: "a" in heard)
        (publishing,) = [each for each in brokers if each.server == nats.url and each is not listener]
        connection: Any = publishing._transport
        connection._connection.client._max_payload = 10_000_000
        await connection._connection.client.publish("maestro-nobody", b"x" * 2_000_000)
        with pytest.raises(BrokerUnavailableError, match="closed for good"):
            await publishing.lost()
        await client.put("/services/echo/instances/b", json=entry)
        await eventually(lambda: "b" in heard)
