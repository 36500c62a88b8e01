import asyncio
import random
from collections import defaultdict
from datetime import timedelta

import pytest
from pydantic import BaseModel

from maestro_core_messaging import EventType, RedeliveryPolicy
from maestro_core_messaging.testing import eventually

FAST = RedeliveryPolicy(
    max_deliveries=50, initial_delay=timedelta(milliseconds=5), max_delay=timedelta(milliseconds=20)
)


class Step(BaseModel):
    key: str
    number: int


@pytest.fixture
def stepped(service) -> EventType[Step]:
    return EventType(f"{service}.step.taken", 1, Step)


async def test_events_of_one_key_stay_in_order_while_some_fail(open_broker, stepped) -> None:
    """Of ten keys, none is ever handled twice at a time or out of order, although a third of the attempts fail."""
    seen, running, most_at_once = defaultdict(list), set(), [0]
    chance = random.Random(7)
    async with open_broker() as broker:

        @broker.subscriber(stepped, durable="ordered", redelivery=FAST)
        async def ordered(event):
            step = event.data
            assert step.key not in running
            running.add(step.key)
            most_at_once[0] = max(most_at_once[0], len(running))
            try:
                await asyncio.sleep(0.001)
                if chance.random() < 0.3:
                    raise LookupError("not yet")
                seen[step.key].append(step.number)
            finally:
                running.remove(step.key)

        for number in range(20):
            for key in map(str, range(10)):
                await broker.publish(stepped, Step(key=key, number=number), key=key)
        await eventually(lambda: sum(map(len, seen.values())) == 200)
    assert all(numbers == list(range(20)) for numbers in seen.values())
    assert most_at_once[0] > 1


async def test_a_key_that_waits_holds_up_no_other(open_broker, stepped) -> None:
    """While an event is between two attempts, later ones of its key wait, and those of other keys go on."""
    seen = []
    slow = RedeliveryPolicy(max_deliveries=3, initial_delay=timedelta(hours=1), max_delay=timedelta(hours=1))
    async with open_broker() as broker:

        @broker.subscriber(stepped, durable="held", redelivery=slow)
        async def held(event):
            seen.append((event.data.key, event.data.number))
            if event.data.key == "stuck":
                raise LookupError("not for an hour")

        for number in range(3):
            await broker.publish(stepped, Step(key="stuck", number=number), key="stuck")
            await broker.publish(stepped, Step(key="free", number=number), key="free")
        await eventually(lambda: ("free", 2) in seen)
    assert [number for key, number in seen if key == "stuck"] == [0]
    assert [number for key, number in seen if key == "free"] == [0, 1, 2]


async def test_one_instance_works_for_an_ordered_consumer_and_another_takes_over(open_broker, stepped) -> None:
    """Two instances never share the events of a key; when one closes, the other goes on, in order."""
    seen = []

    async def collect(event):
        seen.append(event.data.number)

    async with open_broker() as second_broker:
        async with open_broker() as first_broker:
            first_broker.subscriber(stepped, durable="shared")(collect)
            await first_broker.publish(stepped, Step(key="k", number=0), key="k")
            await eventually(lambda: seen == [0])
            second_broker.subscriber(stepped, durable="shared")(collect)
            await second_broker.subscribed()
            for number in range(1, 40):
                await second_broker.publish(stepped, Step(key="k", number=number), key="k")
        await eventually(lambda: len(seen) == 40)
    assert seen == list(range(40))


async def test_without_order_all_instances_share_the_work(open_broker, stepped) -> None:
    """Each event is handled by one of two instances, and both have some."""
    seen = {"first": [], "second": []}
    async with open_broker() as first_broker, open_broker() as second_broker:
        for name, broker in (("first", first_broker), ("second", second_broker)):

            def make(name=name):
                async def collect(event):
                    await asyncio.sleep(0.02)
                    seen[name].append(event.data.number)

                return collect

            broker.subscriber(stepped, durable="shared", ordering="none", concurrency=1, max_in_flight=4)(make())
        for number in range(40):
            await first_broker.publish(stepped, Step(key="k", number=number), key="k")
        await eventually(lambda: len(seen["first"]) + len(seen["second"]) == 40)
    assert sorted(seen["first"] + seen["second"]) == list(range(40))
    assert seen["first"]
    assert seen["second"]
