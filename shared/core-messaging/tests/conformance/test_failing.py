import asyncio
from datetime import timedelta

import pytest
from pydantic import BaseModel

from maestro_core_messaging import (
    BrokerUnavailableError,
    DeadLetterNotFoundError,
    EventType,
    RedeliveryPolicy,
    RejectEventError,
    RetryEventError,
)
from maestro_core_messaging.testing import eventually

FAST = RedeliveryPolicy(max_deliveries=3, initial_delay=timedelta(milliseconds=20))


class Paid(BaseModel):
    number: int


@pytest.fixture
def paid(service) -> EventType[Paid]:
    return EventType(f"{service}.order.paid", 1, Paid)


@pytest.mark.parametrize("ordering", ["key", "none"])
async def test_what_fails_comes_again_until_it_is_handled(open_broker, paid, ordering) -> None:
    """An event that fails twice is handled at the third attempt."""
    attempts = []
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="stubborn", redelivery=FAST, ordering=ordering)
        async def stubborn(event):
            attempts.append(event.data.number)
            if len(attempts) < 3:
                raise LookupError("not yet")

        await broker.publish(paid, Paid(number=1), key="k")
        await eventually(lambda: len(attempts) == 3)
        assert await broker.dead_letters.list(consumer=broker.consumer_name("stubborn")) == []


@pytest.mark.parametrize("ordering", ["key", "none"])
async def test_what_never_works_goes_to_the_dead_letters_with_the_reason(open_broker, paid, ordering) -> None:
    """After the last delivery the event is among the dead letters of that consumer, and the next of its key goes on."""
    attempts, handled = [], []
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="never", redelivery=FAST, ordering=ordering)
        async def never(event):
            attempts.append(event.data.number)
            if event.data.number == 1:
                raise LookupError("no such order")
            handled.append(event.data.number)

        sent = await broker.publish(paid, Paid(number=1), key="k")
        await broker.publish(paid, Paid(number=2), key="k")
        consumer = broker.consumer_name("never")
        await eventually(lambda: attempts.count(1) == 3 and handled == [2])
        (letter,) = await eventually(lambda: broker.dead_letters.list(consumer=consumer))
    assert (letter.reason, letter.deliveries, letter.consumer) == ("TOO_MANY_DELIVERIES", 3, consumer)
    assert (letter.event_id, letter.key, letter.subject) == (sent.id, "k", paid.subject)
    assert "LookupError: no such order" in letter.detail


async def test_a_subscriber_rejects_or_chooses_its_delay(open_broker, paid) -> None:
    """`RejectEventError` is not tried again; `RetryEventError` comes again after its own time."""
    attempts = []
    slow = RedeliveryPolicy(max_deliveries=3, initial_delay=timedelta(hours=1), max_delay=timedelta(hours=1))
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="chooses", redelivery=slow)
        async def chooses(event):
            attempts.append(event.data.number)
            if event.data.number == 1:
                raise RejectEventError("order 1 is not ours")
            if attempts.count(2) == 1:
                raise RetryEventError(after_s=0.01)

        await broker.publish(paid, Paid(number=1))
        await broker.publish(paid, Paid(number=2))
        await eventually(lambda: attempts.count(2) == 2)
        (letter,) = await eventually(lambda: broker.dead_letters.list(consumer=broker.consumer_name("chooses")))
    assert attempts.count(1) == 1
    assert (letter.reason, letter.detail) == ("REJECTED", "order 1 is not ours")


async def test_a_dead_letter_is_replayed_to_its_consumer_alone(open_broker, paid) -> None:
    """Replayed, it is handled and gone; other consumers of the event do not see it again."""
    broken, handled, other = [True], [], []
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="broken", redelivery=RedeliveryPolicy(max_deliveries=1))
        async def on_broken(event):
            if broken[0]:
                raise RuntimeError("a bug")
            handled.append((event.data.number, event.type))

        @broker.subscriber(paid, durable="other")
        async def on_other(event):
            other.append(event.data.number)

        await broker.publish(paid, Paid(number=1))
        await eventually(lambda: other == [1])
        consumer = broker.consumer_name("broken")
        letters = await eventually(lambda: broker.dead_letters.list(consumer=consumer))
        broken[0] = False
        await broker.dead_letters.replay(letters[0].id)
        await eventually(lambda: handled)
        assert await broker.dead_letters.list(consumer=consumer) == []
        with pytest.raises(DeadLetterNotFoundError):
            await broker.dead_letters.replay(letters[0].id)
        await broker.publish(paid, Paid(number=2))
        await eventually(lambda: 2 in other)
    assert handled[0] == (1, paid.subject)
    assert other == [1, 2]


async def test_a_dead_letter_can_be_discarded(open_broker, paid) -> None:
    """Discarded, it is gone; an id that was never there is told from one that is no number."""
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="rejects")
        async def rejects(event):
            raise RejectEventError("no")

        await broker.publish(paid, Paid(number=1))
        consumer = broker.consumer_name("rejects")
        letters = await eventually(lambda: broker.dead_letters.list(consumer=consumer))
        assert await broker.dead_letters.get(letters[0].id) == letters[0]
        await broker.dead_letters.discard(letters[0].id)
        assert await broker.dead_letters.list(consumer=consumer) == []
        for unknown in (letters[0].id, "987654", "nonsense", "-1"):
            with pytest.raises(DeadLetterNotFoundError):
                await broker.dead_letters.discard(unknown)


async def test_an_event_that_takes_too_long_has_failed(open_broker, paid) -> None:
    """The subscriber is cancelled at its time limit, and the event comes again."""
    attempts = []
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="hangs", redelivery=FAST, timeout=timedelta(milliseconds=50))
        async def hangs(event):
            attempts.append(event.data.number)
            if len(attempts) == 1:
                await asyncio.Event().wait()

        await broker.publish(paid, Paid(number=1))
        await eventually(lambda: len(attempts) == 2)


async def test_a_subscriber_whose_wait_was_cancelled_has_failed(open_broker, paid) -> None:
    """Something that it waited for was cancelled, by nobody here: the event comes again, and its key goes on."""
    attempts = []
    async with open_broker() as broker:

        @broker.subscriber(paid, durable="cancelled", redelivery=FAST)
        async def cancelled(event):
            attempts.append(event.data.number)
            if len(attempts) == 1:
                gone = asyncio.ensure_future(asyncio.Event().wait())
                gone.cancel()
                await gone

        await broker.publish(paid, Paid(number=1), key="k")
        await broker.publish(paid, Paid(number=2), key="k")
        await eventually(lambda: attempts == [1, 1, 2])


@pytest.mark.parametrize(
    "error", [LookupError("no such order"), RejectEventError("no such order")], ids=["fails", "rejected"]
)
async def test_a_burial_that_fails_is_tried_again_alone(open_broker, paid, error) -> None:
    """The subscriber does not run once more, and the letter tells why and how often it has failed."""
    attempts, burials = [], []
    async with open_broker() as broker:
        bury = broker._transport.bury

        async def fails_first(letter):
            burials.append(letter)
            if len(burials) == 1:
                raise BrokerUnavailableError("away", server="x")
            if len(burials) == 2:
                raise RuntimeError("broken")
            await bury(letter)

        broker._transport.bury = fails_first

        @broker.subscriber(paid, durable="buries", redelivery=RedeliveryPolicy(max_deliveries=1))
        async def buries(event):
            attempts.append(event.data.number)
            raise error

        await broker.publish(paid, Paid(number=1), key="k")
        consumer = broker.consumer_name("buries")
        (letter,) = await eventually(lambda: broker.dead_letters.list(consumer=consumer))
    assert attempts == [1]
    assert len(burials) == 3
    assert "no such order" in letter.detail
    assert letter.deliveries == 1
