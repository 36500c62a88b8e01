import asyncio
import sqlite3
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pydantic import BaseModel

from maestro_core_messaging import (
    EventType,
    RedeliveryPolicy,
    TransactionalProcessedEvents,
    write_event,
)
from maestro_core_messaging.testing import eventually

FAST = RedeliveryPolicy(max_deliveries=5, initial_delay=timedelta(milliseconds=10))


class Paid(BaseModel):
    number: int


@pytest.fixture
def paid(service) -> EventType[Paid]:
    return EventType(f"{service}.order.paid", 1, Paid)


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE processed_events (consumer TEXT, identity TEXT, PRIMARY KEY (consumer, identity))")
    connection.execute("CREATE TABLE effects (number INTEGER)")
    yield connection
    connection.close()


@pytest.fixture
def processed(database):
    """Memory of handled events in the transaction of a database that takes one writer at a time."""
    turn = asyncio.Lock()

    @asynccontextmanager
    async def transaction():
        async with turn:
            database.execute("BEGIN")
            try:
                yield database
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    async def record(session, consumer, identity):
        done = session.execute(
            "INSERT INTO processed_events VALUES (?, ?) ON CONFLICT DO NOTHING", (consumer, identity)
        )
        return done.rowcount == 1

    async def commit(session):
        session.execute("COMMIT")

    return TransactionalProcessedEvents(transaction, record, commit)


def effects(database):
    return [number for (number,) in database.execute("SELECT number FROM effects ORDER BY number")]


async def publish_again(broker, event, subject) -> None:
    """Put the same event into the stream once more, as a server does that has forgotten its id."""
    from maestro_core_messaging._transport import Outgoing

    await broker._transport.publish(Outgoing(subject, write_event(event), f"{event.identity}-once-more"))


async def test_an_event_that_comes_again_has_one_effect(open_broker, paid) -> None:
    """The memory of the process recognises it by source and id."""
    seen = []
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="once")
        async def once(event):
            seen.append(event.data.number)

        event = broker.event(paid, Paid(number=1), event_id="same")
        await broker.publish_raw(write_event(event), paid.subject)
        await publish_again(broker, event, paid.subject)
        await broker.publish(paid, Paid(number=2))
        await eventually(lambda: 2 in seen)
    assert sorted(seen) == [1, 2]


async def test_effect_and_memory_are_one_transaction(open_broker, paid, database, processed) -> None:
    """A subscriber that fails after it has written leaves nothing; over instances, each event has one effect."""
    failures = {3: 2, 5: 1}

    async def write(event, session):
        session.execute("INSERT INTO effects VALUES (?)", (event.data.number,))
        if failures.get(event.data.number, 0) > 0:
            failures[event.data.number] -= 1
            raise LookupError("after the write")

    events = []
    async with open_broker() as broker:
        broker.subscriber(paid, durable="writes", processed=processed, redelivery=FAST)(write)
        for number in range(8):
            event = broker.event(paid, Paid(number=number))
            events.append(event)
            await broker.publish_raw(write_event(event), paid.subject)
        await eventually(lambda: len(effects(database)) == 8)
    async with open_broker() as broker:
        broker.subscriber(paid, durable="writes", processed=processed, redelivery=FAST)(write)
        for event in events:
            await publish_again(broker, event, paid.subject)
        await broker.publish(paid, Paid(number=99))
        await eventually(lambda: 99 in effects(database))
    assert effects(database) == [*range(8), 99]


def test_committing_cannot_be_forgotten() -> None:
    """Without it every effect would be rolled back and acknowledged; who has nothing to commit says so."""
    with pytest.raises(TypeError, match="commit"):
        TransactionalProcessedEvents(lambda: None, lambda *_: None)
    TransactionalProcessedEvents(lambda: None, lambda *_: None, None)
