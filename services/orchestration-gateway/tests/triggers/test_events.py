"""Triggers for CloudEvents, by HTTP and over a real NATS server."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from maestro_core_messaging import Broker, BrokerUnavailableError, EventType
from maestro_core_messaging.testing import NatsServer, eventually

from ..conftest import ECHO, bearer  # noqa: TID252 - tests of one member share their world

ON_PAID = {
    "kind": "event",
    "type": "order.*",
    "source": "/shop",
    "workflow": "shop/echo",
    "input": "{order: .data.order}",
}
EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.paid", "data": {"order": 5}}
STRUCTURED = {"content-type": "application/cloudevents+json"}


class Paid(BaseModel):
    order: int


PAID = EventType("shop.order.paid", 1, Paid)
SOLD = EventType("stall.order.paid", 1, Paid)


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A NATS server with JetStream."""
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


async def test_an_event_starts_a_run_once(world: Any) -> None:
    """Structured, binary and batched, it is the same event by source and id; what does not fit starts nothing."""
    assert (await world.gateway.put("/triggers/paid", json=ON_PAID)).status_code == 201
    first = await world.gateway.post("/events", json=EVENT, headers=STRUCTURED)
    assert first.status_code == 202, first.text
    (delivery,) = first.json()["deliveries"]
    assert (delivery["trigger"], delivery["accepted"]["status"]) == ("paid", "started")
    run_id = delivery["accepted"]["run_id"]
    assert (await world.ended(run_id))["output"] == {"order": 5}
    binary = {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/shop",
        "ce-type": "order.paid",
    }
    again = await world.gateway.post("/events", json={"order": 6}, headers={**binary, "ce-id": "2"})
    assert (await world.ended(again.json()["deliveries"][0]["accepted"]["run_id"]))["output"] == {"order": 6}
    batch = [EVENT, {**EVENT, "type": "door.open", "id": "3"}, {**EVENT, "source": "/other", "id": "4"}]
    many = await world.gateway.post(
        "/events", json=batch, headers={"content-type": "application/cloudevents-batch+json"}
    )
    (same,) = many.json()["deliveries"]
    assert (same["accepted"]["run_id"], same["accepted"]["duplicate"]) == (run_id, True)
    assert (await world.orchestrator.get("/runs/count")).json() == {"count": 2}


@pytest.mark.parametrize(
    "event",
    [{}, {**EVENT, "id": ""}, {**EVENT, "specversion": "0.3"}, {**EVENT, "Bad": 1}, {**EVENT, "time": "now"}, {**EVENT, "data_base64": ""}, [], 1],
)  # fmt: skip
async def test_what_is_no_event(world: Any, event: Any) -> None:
    """It is refused with the attribute that is wrong."""
    answer = await world.gateway.post("/events", json=event, headers=STRUCTURED)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DELIVERY_INVALID")


async def test_events_of_a_caller_reach_its_own_tenants_triggers(world: Any) -> None:
    """Nobody sets off a trigger of another tenant, or of the platform."""
    for name, tenant in (("acme", "acme"), ("other", "other"), ("ours", None)):
        made = await world.gateway.put(f"/triggers/{name}", json=ON_PAID, headers=bearer("admin", tenant=tenant))
        assert made.status_code == 201
    for tenant, name in (("acme", "acme"), ("other", "other"), (None, "ours")):
        headers = {**STRUCTURED, **bearer("operator", tenant=tenant)}
        answer = await world.gateway.post("/events", json={**EVENT, "id": name}, headers=headers)
        assert [each["trigger"] for each in answer.json()["deliveries"]] == [name]


async def test_events_of_the_platform(open_world: Callable[..., Any], nats: NatsServer) -> None:
    """What services publish sets off triggers, once for each event; the gateway tells what came of it."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    async with open_world(messaging_url=nats.url) as world, Broker.opened(nats.url, service_name="shop") as shop:
        await world.register(ECHO)

        @shop.subscriber("maestro.orchestration-gateway.>", durable="test", start="new")
        async def hear(event: Any) -> None:
            await told.put(event)

        await shop.subscribed()
        mine = {**ON_PAID, "type": PAID.subject}
        assert (await world.gateway.put("/triggers/paid", json=mine)).status_code == 201
        # A trigger for the gateway's own events would start itself for ever.
        own = {**ON_PAID, "type": "maestro.orchestration-gateway.*", "source": None, "input": "{}"}
        assert (await world.gateway.put("/triggers/loop", json=own)).status_code == 201
        for _ in range(2):
            await shop.publish(PAID, Paid(order=9), event_id="paid-9")
        async with asyncio.timeout(60):
            event = await told.get()
        assert event.type == "maestro.orchestration-gateway.delivery.started"
        assert (event.data["trigger"], event.data["workflow"]) == ("paid", "shop/echo")
        assert (await world.ended(event.data["run_id"]))["output"] == {"order": 9}
        listed = (await world.gateway.get("/deliveries")).json()["deliveries"]
        assert [each["trigger"] for each in listed] == ["paid"]


async def test_a_connection_that_is_gone_for_good_is_opened_anew(
    open_world: Callable[..., Any], nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client gives up after an error of the server; the gateway does not: it hears and tells what happens after it."""
    brokers: list[Broker] = []
    made = Broker.__init__

    def noted(broker: Broker, *arguments: Any, **options: Any) -> None:
        brokers.append(broker)
        made(broker, *arguments, **options)

    told: list[Any] = []
    async with Broker.opened(nats.url, service_name="stall") as stall:

        @stall.subscriber("maestro.orchestration-gateway.>", durable="anew", start="new")
        async def hear(event: Any) -> None:
            told.append(event.data["trigger"])

        await stall.subscribed()
        monkeypatch.setattr(Broker, "__init__", noted)
        async with open_world(messaging_url=nats.url) as world:
            await world.register(ECHO)
            mine = {**ON_PAID, "type": SOLD.subject, "source": "/stall"}
            assert (await world.gateway.put("/triggers/sold", json=mine)).status_code == 201
            (first,) = [each for each in brokers if each.service_name == "orchestration-gateway"]
            await first.subscribed()
            connection: Any = first._transport
            connection._connection.client._max_payload = 10_000_000
            await connection._connection.client.publish("maestro-nobody", b"x" * 2_000_000)
            with pytest.raises(BrokerUnavailableError, match="closed for good"):
                await asyncio.wait_for(first.lost(), 60)
            await stall.publish(SOLD, Paid(order=3))
            await eventually(lambda: told == ["sold"])
