"""Publishing and hearing events, as a service does it; `python publishing_and_hearing.py [URL]`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from approval_events import DECIDED, DECIDED_V2, Decided

from maestro_core_messaging import (
    Broker,
    Event,
    RedeliveryPolicy,
    RejectEventError,
    Subscriptions,
    TransactionalProcessedEvents,
    asyncapi_document,
    incompatibilities,
)
from maestro_core_messaging.testing import eventually

shipped: list[str] = []


# region: hearing
subscriptions = Subscriptions()


@subscriptions.subscriber(DECIDED, durable="ship-approved", redelivery=RedeliveryPolicy(max_deliveries=5))
async def ship_approved(event: Event[Decided]) -> None:
    """Ship what was approved."""
    if event.data.decision not in ("approve", "reject"):
        raise RejectEventError(f"{event.data.decision!r} is no decision")
    shipped.append(event.data.approval_id)


# endregion: hearing


# region: publishing
async def decide(broker: Broker, approval_id: str) -> None:
    """Publish a decision; what happens to one approval stays in order."""
    decided = Decided(approval_id=approval_id, decision="approve", decided_at=datetime.now(UTC))
    await broker.publish(DECIDED, decided, key=approval_id)


# endregion: publishing


# region: lifespan
@asynccontextmanager
async def lifespan(url: str) -> AsyncIterator[Broker]:
    """Open the broker for as long as the service runs."""
    async with Broker.opened(url, service_name="governance-service") as broker:
        broker.publishes(DECIDED)
        broker.include(subscriptions)
        yield broker


# endregion: lifespan


kept: set[tuple[str, str]] = set()
"""What stands for the tables of a database here: processed events, and what was booked."""


class Session:
    """What stands for the session of a database here."""

    def __init__(self) -> None:
        self.rows: set[tuple[str, str]] = set()

    async def commit(self) -> None:
        """Keep what was written."""
        kept.update(self.rows)


@asynccontextmanager
async def transaction() -> AsyncIterator[Session]:
    """Begin a transaction that is rolled back unless it is committed."""
    yield Session()


async def record(session: Session, consumer: str, identity: str) -> bool:
    """INSERT INTO processed_events … ON CONFLICT DO NOTHING; tell whether a row was added."""
    session.rows.add((consumer, identity))
    return (consumer, identity) not in kept


# region: once
once = TransactionalProcessedEvents(transaction, record, commit=Session.commit)


@subscriptions.subscriber(DECIDED, durable="book", processed=once)
async def book(event: Event[Decided], session: Session) -> None:
    """Write with the session: effect and memory are one transaction, committed when this returns."""
    session.rows.add(("booked", event.data.approval_id))


# endregion: once


async def replay_all(broker: Broker, consumer: str) -> int:
    """Hand the dead letters of a consumer to it again."""
    letters = await broker.dead_letters.list(consumer=consumer)
    for letter in letters:
        print(letter.id, letter.reason, letter.detail)
        await broker.dead_letters.replay(letter.id)
    return len(letters)


async def _until(look: Callable[[], Awaitable[Any] | Any]) -> None:
    await eventually(look, within=timedelta(seconds=60))


async def main(url: str) -> None:
    """Do what the page shows."""
    async with lifespan(url) as broker:
        await decide(broker, "a-1")
        await _until(lambda: shipped == ["a-1"])
        await _until(lambda: ("booked", "a-1") in kept and len(kept) == 2)
        maybe = Decided(approval_id="a-2", decision="maybe", decided_at=datetime.now(UTC))
        await broker.publish(DECIDED, maybe, key="a-2")
        consumer = broker.consumer_name("ship-approved")
        await _until(lambda: broker.dead_letters.list(consumer=consumer))
        assert await replay_all(broker, consumer) == 1
        document = asyncapi_document(broker)
        assert document["channels"]
        for problem in incompatibilities(DECIDED, DECIDED_V2):
            print(problem)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "memory://"))
