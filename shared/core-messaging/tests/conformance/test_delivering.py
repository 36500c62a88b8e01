from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from maestro_core_messaging import (
    EventType,
    InvalidEventError,
    InvalidSubscriptionError,
    RedeliveryPolicy,
    Subscriptions,
)
from maestro_core_messaging.testing import eventually


class Paid(BaseModel):
    number: int
    at: datetime | None = None


FAST = RedeliveryPolicy(max_deliveries=3, initial_delay=timedelta(milliseconds=20))


@pytest.fixture
def paid(service) -> EventType[Paid]:
    return EventType(f"{service}.order.paid", 1, Paid)


async def test_an_event_reaches_every_consumer_with_its_attributes(open_broker, service, paid) -> None:
    """Consumers of two names both get it, with data of the type and all attributes."""
    seen = {"one": [], "two": []}
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="one")
        async def one(event):
            seen["one"].append(event)

        @broker.subscriber(f"maestro.{service}.>", durable="two")
        async def two(event):
            seen["two"].append(event)

        await broker.subscribed()
        at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        sent = await broker.publish(
            paid, Paid(number=7, at=at), key="k", subject="order/7", time=at, extensions={"tenant": "acme"}
        )
        await eventually(lambda: seen["one"] and seen["two"])
    typed, plain = seen["one"][0], seen["two"][0]
    assert typed.data == Paid(number=7, at=at)
    assert plain.data == {"number": 7, "at": "2026-01-02T03:04:05Z"}
    for event in (typed, plain, sent):
        assert (event.id, event.source, event.type) == (sent.id, f"/{service}", f"maestro.{service}.order.paid")
        assert (event.key, event.subject, event.time, event.version) == ("k", "order/7", at, 1)
        assert event.extensions["tenant"] == "acme"


async def test_a_consumer_goes_on_where_it_was(open_broker, paid) -> None:
    """What was published while no instance ran is there when one runs again, and what was handled does not come again."""
    seen = []

    async def collect(event):
        seen.append(event.data.number)

    async with open_broker() as broker:
        broker.subscriber(paid, durable="collect")(collect)
        await broker.subscribed()
        await broker.publish(paid, Paid(number=1))
        await eventually(lambda: seen == [1])
    async with open_broker() as broker:
        await broker.publish(paid, Paid(number=2))
        await broker.publish(paid, Paid(number=3))
    async with open_broker() as broker:
        broker.subscriber(paid, durable="collect")(collect)
        await eventually(lambda: len(seen) == 3)
        assert await broker.lag("collect") >= 0
    assert seen == [1, 2, 3]


async def test_a_new_consumer_may_begin_with_what_is_new(open_broker, paid) -> None:
    """`start="new"` leaves out what was published before the consumer was there; `all` has it."""
    fresh, everything = [], []
    async with open_broker() as broker:
        await broker.publish(paid, Paid(number=1))

        @broker.subscriber(paid, durable="fresh", start="new")
        async def on_fresh(event):
            fresh.append(event.data.number)

        @broker.subscriber(paid, durable="everything")
        async def on_everything(event):
            everything.append(event.data.number)

        await broker.subscribed()
        await broker.publish(paid, Paid(number=2))
        await eventually(lambda: everything == [1, 2] and fresh)
    assert fresh == [2]


async def test_the_same_id_is_the_same_event(open_broker, paid) -> None:
    """Published twice with one id, it is taken once, and the second time is no error."""
    seen = []
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="once")
        async def once(event):
            seen.append(event.data.number)

        await broker.publish(paid, Paid(number=1), event_id="same")
        await broker.publish(paid, Paid(number=1), event_id="same")
        await broker.publish(paid, Paid(number=2))
        await eventually(lambda: 2 in seen)
    assert seen == [1, 2]


async def test_data_that_does_not_fit_is_not_published(open_broker, service, paid) -> None:
    """The error tells where, not what: the values may be secret."""
    async with open_broker() as broker:
        with pytest.raises(InvalidEventError) as caught:
            await broker.publish(paid, {"number": "secret"})
        other = EventType("another-service.order.paid", 1, Paid)
        with pytest.raises(InvalidEventError, match="publishes only its own"):
            await broker.publish(other, Paid(number=1))
    assert caught.value.problems[0].startswith("number: ")
    assert "secret" not in str(caught.value)


async def test_subscribers_may_be_declared_before_there_is_a_broker(open_broker, paid) -> None:
    """`include` puts them to work; the same durable twice is refused."""
    seen = []
    subscriptions = Subscriptions()

    @subscriptions.subscriber(paid, durable="declared")
    async def declared(event):
        seen.append(event.data.number)

    async with open_broker() as broker:
        broker.include(subscriptions)
        await broker.publish(paid, Paid(number=1))
        await eventually(lambda: seen == [1])
        with pytest.raises(InvalidSubscriptionError, match="already"):
            broker.include(subscriptions)


async def test_closing_finishes_what_runs_and_gives_back_what_waits(open_broker, paid) -> None:
    """Of one key, the event at work is finished, and those behind it come to the next instance, in order."""
    import asyncio

    began, go_on, seen = asyncio.Event(), asyncio.Event(), []

    async def slow(event):
        began.set()
        await go_on.wait()
        seen.append(event.data.number)

    async def close_when_begun():
        async with open_broker() as broker:
            broker.subscriber(paid, durable="slow")(slow)
            for number in range(5):
                await broker.publish(paid, Paid(number=number), key="k")
            await began.wait()

    closing = asyncio.create_task(close_when_begun())
    await began.wait()
    asyncio.get_running_loop().call_later(0.2, go_on.set)
    await closing
    assert seen == [0]
    async with open_broker() as broker:
        broker.subscriber(paid, durable="slow")(slow)
        await eventually(lambda: len(seen) == 5)
    assert seen == [0, 1, 2, 3, 4]


async def test_events_can_be_followed_without_a_consumer(open_broker, service, paid) -> None:
    """`tail` shows what was published since a moment, and goes on."""
    async with open_broker() as broker:
        before = datetime.now(UTC) - timedelta(seconds=1)
        first = await broker.publish(paid, Paid(number=1))
        following = broker.tail(f"maestro.{service}.>", since=before)
        shown = await anext(following)
        second = await broker.publish(paid, Paid(number=2))
        then = await anext(following)
        await following.aclose()
    assert first.id.encode() in shown.body
    assert second.id.encode() in then.body
    assert (shown.subject, then.sequence > shown.sequence) == (paid.subject, True)
