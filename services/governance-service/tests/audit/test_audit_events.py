from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from signing import CHEAP
from trails import opened

from governance_service.audit.events import AuditRecorded, audit_subscriptions, record_of
from governance_service.bootstrap import create_app
from governance_service.testing import config_for
from maestro_core_api.testing import running, token_for
from maestro_core_db import Database
from maestro_core_messaging import Broker, Event, EventType, RejectEventError
from maestro_core_messaging.testing import NatsServer, eventually

RECORDED = EventType("orders.audit.recorded", 1, AuditRecorded)
SAID = {"actor": "ada", "action": "order.cancel", "resource": "order:17"}


def event(**changes: Any) -> Event[Any]:
    fields: dict[str, Any] = {"id": "e-1", "source": "/orders", "type": "maestro.orders.audit.recorded", "data": SAID}
    return Event(**{**fields, **changes})


def test_an_event_is_an_entry_of_its_service() -> None:
    """Service, id, time and trace come from the event itself."""
    trace = "ab" * 16
    at = datetime(2026, 1, 1, tzinfo=UTC)
    record = record_of(event(time=at, extensions={"traceparent": f"00-{trace}-{'cd' * 8}-01"}))
    assert (record.service, record.entry_id, record.trace_id, record.occurred_at) == ("orders", "event:e-1", trace, at)


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "/governance-service"},
        {"type": "maestro.orders.audit.recorded.more"},
        {"type": "orders"},
        {"id": "a b"},
        {"data": None},
        {"data": {**SAID, "outcome": "maybe"}},
        {"data": {"actor": "ada"}},
    ],
    ids=str,
)
def test_an_event_that_tells_no_entry_is_rejected(changes: dict[str, Any]) -> None:
    """It goes to the dead letters, where a person finds it; trying again would not help."""
    with pytest.raises(RejectEventError):
        record_of(event(**changes))


async def test_an_event_that_comes_twice_is_one_entry(migrated: Database, tmp_path: Path) -> None:
    """The event's id is the entry's; with the same id and another content it is rejected."""
    async with opened(migrated, tmp_path) as trail:
        (subscription,) = audit_subscriptions(trail.trail).declared
        for _ in range(3):
            await subscription.handler(event())
        with pytest.raises(RejectEventError):
            await subscription.handler(event(data={**SAID, "actor": "mallory"}))
        assert (await trail.store.head()).position == 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """A server for events."""
    with NatsServer(tmp_path / "nats") as server:
        yield server


async def test_services_tell_entries_by_event(server: NatsServer, tmp_path: Path) -> None:
    """Each event is an entry; what is no entry becomes a dead letter; checkpoints are published."""
    config = config_for(tmp_path / "data", messaging_url=server.url, audit_announce_interval_s=0.05, **CHEAP)
    app = create_app(config)
    headers = {"Authorization": f"Bearer {token_for(app)}"}
    async with (
        Broker.opened(server.url, service_name="orders") as orders,
        running(app) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as client,
    ):
        heard: list[Any] = []

        @orders.subscriber("maestro.governance-service.audit.checkpoint", durable="witness")
        async def witness(told: Event[Any]) -> None:
            heard.append(told.data)

        for number in range(3):
            said = AuditRecorded(**SAID, details={"number": number})
            await orders.publish(RECORDED, said, key="17")
        broken = AuditRecorded(**{**SAID, "action": "Not An Action"})
        await orders.publish(RECORDED, broken, key="18")

        async def found() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = (await client.get("/audit/entries", params={"service": "orders"})).json()[
                "items"
            ]
            return items

        async def all_there() -> bool:
            return len(await found()) == 3

        async def is_buried() -> bool:
            return len(await orders.dead_letters.list()) == 1

        await eventually(all_there)
        await eventually(is_buried)
        assert sorted(entry["details"]["number"] for entry in await found()) == [0, 1, 2]
        verdict = (await client.get("/audit/verification")).json()
        assert verdict["intact"]

        async def is_witnessed() -> bool:
            return any(told["position"] == verdict["head"] for told in heard)

        await eventually(is_witnessed)


async def test_a_connection_that_is_gone_for_good_is_opened_anew(
    server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client gives up after an error of the server; the service opens another broker, and hears and tells on it."""
    brokers: list[Broker] = []
    made = Broker.__init__

    def noted(broker: Broker, *arguments: Any, **options: Any) -> None:
        made(broker, *arguments, **options)
        brokers.append(broker)

    monkeypatch.setattr(Broker, "__init__", noted)
    async with running(create_app(config_for(tmp_path / "data", messaging_url=server.url, **CHEAP))):
        await eventually(lambda: len(brokers) == 1)
        await brokers[0].subscribed()
        transport: Any = brokers[0]._transport
        transport._connection.client._max_payload = 10_000_000
        await transport._connection.client.publish("maestro-nobody", b"x" * 2_000_000)
        await eventually(lambda: len(brokers) == 2)
        await brokers[1].check()
