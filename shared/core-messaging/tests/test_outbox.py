import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from pydantic import BaseModel

from maestro_core_messaging import Broker, EventType, OutboxRelay, write_event
from maestro_core_messaging.testing import MemoryServer, eventually
from maestro_core_monitoring import MetricsCollector
from maestro_core_monitoring.testing import metric_value


class Paid(BaseModel):
    number: int


PAID = EventType("orders.order.paid", 1, Paid)


@dataclass
class Entry:
    id: int
    event_json: str
    subject: str
    key: str | None
    attempts: int = 0


@dataclass
class State:
    pending: int
    oldest_age: timedelta


@dataclass
class ListOutbox:
    """An outbox as core-db's, in a list: entries are claimed, and a failed one holds up its key."""

    entries: list[Entry] = field(default_factory=list)
    claimed: set[int] = field(default_factory=set)
    failures: list[tuple[int, str]] = field(default_factory=list)
    added: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, broker, number, key=None, subject=PAID.subject, event_json=None):
        event = broker.event(PAID, Paid(number=number), key=key, event_id=f"e{number}")
        self.entries.append(Entry(number, event_json or write_event(event).decode(), subject, key))
        self.added.set()

    async def claim(self, limit=100, lease=timedelta(seconds=30)):
        stuck = {number for number, _ in self.failures}
        held = {entry.key for entry in self.entries if entry.id in stuck}
        free = [
            each for each in self.entries if each.id not in self.claimed and (each.key is None or each.key not in held)
        ]
        self.claimed |= {each.id for each in free[:limit]}
        return free[:limit]

    async def done(self, entries):
        gone = {each.id for each in entries}
        self.entries = [each for each in self.entries if each.id not in gone]

    async def failed(self, entry, reason):
        self.failures.append((entry.id, reason))
        self.claimed -= {each.id for each in self.entries if each.key == entry.key}

    async def released(self, entries):
        self.claimed -= {each.id for each in entries}

    async def arrived(self, timeout):
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self.added.wait()
        except TimeoutError:
            return False
        self.added.clear()
        return True

    async def state(self):
        return State(len(self.entries), timedelta(seconds=len(self.entries)))


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


def bodies(server):
    return [int(stored.body.rpartition(b'"number": ')[2].rstrip(b"}")) for stored in server.stream.values()]


async def test_what_is_owed_is_published_in_the_order_of_each_key(server) -> None:
    """Events that are there already and events that come later; the outbox is empty then."""
    outbox = ListOutbox()
    async with Broker.opened(memory=server, service_name="orders") as broker:
        for number in range(20):
            outbox.add(broker, number, key="ab"[number % 2])
        async with OutboxRelay(outbox, broker, batch=7).at_work():
            await eventually(lambda: not outbox.entries)
            outbox.add(broker, 20, key="a")
            await eventually(lambda: not outbox.entries)
    published = bodies(server)
    assert [number for number in published if number % 2 == 0] == list(range(0, 21, 2))
    assert [number for number in published if number % 2] == list(range(1, 20, 2))


async def test_while_the_server_is_away_nothing_is_lost_and_the_wait_is_shown(server) -> None:
    """The relay gives back what it has claimed, tries again, and publishes all when the server is back."""
    outbox, metrics = ListOutbox(), MetricsCollector("orders")
    async with Broker.opened(memory=server, service_name="orders", metrics=metrics) as broker:
        server.running = False
        for number in range(5):
            outbox.add(broker, number, key="k")
        async with OutboxRelay(outbox, broker).at_work():
            failed = {"service": "orders", "event": "orders.order.paid", "outcome": "failed"}
            await eventually(lambda: metric_value(metrics, "messaging_events_published_total", **failed))
            await eventually(lambda: metric_value(metrics, "messaging_outbox_waiting_events", service="orders") == 5)
            assert len(outbox.entries) == 5
            server.running = True
            await eventually(lambda: not outbox.entries)
    assert bodies(server) == list(range(5))


async def test_an_event_that_was_published_before_a_crash_is_not_doubled(server) -> None:
    """Published, but not marked as done: published again with the same id, the server has it once."""
    outbox = ListOutbox()
    async with Broker.opened(memory=server, service_name="orders") as broker:
        outbox.add(broker, 1)
        await broker.publish_raw(outbox.entries[0].event_json.encode(), PAID.subject)
        await OutboxRelay(outbox, broker).relay_once()
    assert (outbox.entries, bodies(server)) == ([], [1])


async def test_what_the_server_never_takes_holds_up_its_key_alone(server) -> None:
    """A broken entry is failed with its reason; those behind it in its key wait, others go."""
    outbox = ListOutbox()
    async with Broker.opened(memory=server, service_name="orders") as broker:
        outbox.add(broker, 1, key="a", event_json="{}")
        outbox.add(broker, 2, key="a")
        outbox.add(broker, 3, key="b")
        outbox.add(broker, 4, subject="elsewhere.orders")
        relay = OutboxRelay(outbox, broker)
        assert await relay.relay_once() == 1
        await relay.relay_once()
    assert bodies(server) == [3]
    reasons = dict(outbox.failures)
    assert reasons[1].startswith("UNREADABLE_EVENT: ")
    assert reasons[4].startswith("INVALID_EVENT: 'elsewhere.orders' is no subject")
    assert [each.id for each in outbox.entries] == [1, 2, 4]
