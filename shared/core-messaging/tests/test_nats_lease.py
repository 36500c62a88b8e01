"""Who is at work for an ordered consumer, on a real server."""

import asyncio
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta

import nats
import pytest
from pydantic import BaseModel

from maestro_core_messaging import Broker, EventType, MessagingSettings, TransactionalProcessedEvents
from maestro_core_messaging._nats import _consuming, _lease
from maestro_core_messaging.testing import NatsServer, eventually
from maestro_core_messaging.testing._nats_server import _free_port as free_port


class Paid(BaseModel):
    number: int


PAID = EventType("orders.order.paid", 1, Paid)


@pytest.fixture
def server(tmp_path):
    with NatsServer(tmp_path / "nats") as server:
        yield server


async def test_an_instance_whose_lease_is_gone_stops_and_another_goes_on(server) -> None:
    """What it held goes back; nothing is handled twice, and the order of the key holds."""
    seen, who = [], []
    async with (
        Broker.opened(server.url, service_name="orders") as first,
        Broker.opened(server.url, service_name="orders") as second,
    ):
        for name, broker in (("first", first), ("second", second)):

            def make(name=name):
                async def collect(event):
                    await asyncio.sleep(0.01)
                    who.append(name)
                    seen.append(event.data.number)

                return collect

            broker.subscriber(PAID, durable="leased")(make())
            await broker.publish(PAID, Paid(number=len(seen)), key="k")
            await eventually(lambda: who)
        client = await nats.connect(server.url)
        keys = await client.jetstream().key_value("maestro-consumers")
        holder = (await keys.get("orders_leased")).value
        await keys.put("orders_leased", b"somebody else")
        await eventually(lambda: not first._consuming["orders_leased"].active, within=timedelta(seconds=60))
        before = len(seen)
        for number in range(100, 200):
            await first.publish(PAID, Paid(number=number), key="k")
        assert not second._consuming["orders_leased"].active
        assert len(seen) == before
        await keys.delete("orders_leased")
        await eventually(lambda: 199 in seen, within=timedelta(seconds=60))
        assert (await keys.get("orders_leased")).value not in (b"somebody else", holder)
        await client.close()
    numbers = [number for number in seen if number >= 100]
    assert numbers == list(range(100, 200))


async def test_a_consumer_that_listens_to_more_keeps_its_place(server) -> None:
    """Deployed with a further subject, it goes on where it was."""
    sent = EventType("orders.order.sent", 1, Paid)
    seen = []

    async def collect(event):
        seen.append((event.type.rpartition(".")[2], event.data.number))

    async with Broker.opened(server.url, service_name="orders") as broker:
        broker.subscriber(PAID, durable="wider")(collect)
        await broker.publish(PAID, Paid(number=1), key="k")
        await eventually(lambda: len(seen) == 1)
    async with Broker.opened(server.url, service_name="orders") as broker:
        broker.subscriber(PAID, sent, durable="wider")(collect)
        await broker.subscribed()
        await broker.publish(sent, Paid(number=2), key="k")
        await broker.publish(PAID, Paid(number=3), key="k")
        await eventually(lambda: len(seen) == 3)
    assert seen == [("paid", 1), ("sent", 2), ("paid", 3)]


async def test_what_was_done_under_a_lease_that_has_run_out_is_not_committed(server, monkeypatch) -> None:
    """The server cannot be asked while the subscriber runs: another instance may be at work, so nothing is committed."""
    monkeypatch.setattr(_lease, "LEASE_S", 2.0)
    lent, begun, committed = [], [], []
    monkeypatch.setattr(_consuming, "Lease", lambda *given: lent.append(_lease.Lease(*given)) or lent[-1])

    @asynccontextmanager
    async def transaction():
        yield begun

    async def record(session, consumer, identity):
        return True

    async def commit(session):
        committed.append(len(session))

    once = TransactionalProcessedEvents(transaction, record, commit)
    async with Broker.opened(server.url, service_name="orders") as broker:

        @broker.subscriber(PAID, durable="fenced", processed=once)
        async def fenced(event, session):
            session.append(event.data.number)
            if len(session) == 1:
                server.pause()
                await eventually(lambda: not lent[0].is_ours())
                monkeypatch.setattr(_lease, "LEASE_S", 10.0)
                server.resume()

        await broker.publish(PAID, Paid(number=1), key="k")
        await broker.publish(PAID, Paid(number=2), key="k")
        await eventually(lambda: len(committed) == 2, within=timedelta(seconds=60))
    assert begun == [1, 1, 2]
    assert committed == [2, 3]


@pytest.fixture
def cluster(tmp_path):
    """Three servers that keep streams together."""
    routes = [free_port() for _ in range(3)]
    with ExitStack() as stack:
        servers = []
        for number, port in enumerate(routes):
            others = ",".join(f"nats://127.0.0.1:{other}" for other in routes if other != port)
            options = ("--cluster_name", "three", "--server_name", f"n{number}")
            options += ("--cluster", f"nats://127.0.0.1:{port}", "--routes", others)
            servers.append(stack.enter_context(NatsServer(tmp_path / f"n{number}", options=options)))
        yield servers


async def test_leases_are_kept_on_as_many_servers_as_events(cluster) -> None:
    """A server that dies takes nothing along that decides who is at work."""
    url = ",".join(server.url for server in cluster)
    settings = MessagingSettings(messaging_url=url, messaging_replicas=3, messaging_connect_timeout_s=60)
    seen = []
    async with Broker.opened(settings, service_name="orders") as broker:
        streams = broker._transport._connection.jetstream
        for name in ("MAESTRO", "MAESTRO_DEAD", "KV_maestro-consumers"):
            assert (await streams.stream_info(name)).config.num_replicas == 3

        @broker.subscriber(PAID, durable="replicated")
        async def replicated(event):
            seen.append(event.data.number)

        await broker.publish(PAID, Paid(number=1), key="k")
        await eventually(lambda: seen == [1], within=timedelta(seconds=60))
