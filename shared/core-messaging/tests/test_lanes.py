import asyncio
from datetime import timedelta

from maestro_core_messaging._lanes import Lanes
from maestro_core_messaging.testing import eventually

SECOND = timedelta(seconds=1)


async def test_an_attempt_that_breaks_does_not_stop_its_lane() -> None:
    """It is made again, and those behind it follow."""
    tried, released = [], []

    async def attempt(thing, attempts):
        tried.append((thing, attempts))
        if thing == "a" and attempts == 0:
            raise RuntimeError("a fault of the lane's owner")

    async def release(thing):
        released.append(thing)

    async with Lanes(attempt, release, concurrency=1, grace=SECOND).opened() as lanes:
        await lanes.offer("k", "a")
        await lanes.offer("k", "b")
        await eventually(lambda: ("b", 0) in tried)
    assert (tried, released) == ([("a", 0), ("a", 1), ("b", 0)], [])


async def test_what_does_not_end_in_time_is_cancelled_and_given_back_in_order() -> None:
    """First what ran, then what stood behind it; what comes later is given back at once."""
    began, released = asyncio.Event(), []

    async def attempt(thing, attempts):
        began.set()
        await asyncio.Event().wait()

    async def release(thing):
        released.append(thing)

    async with Lanes(attempt, release, concurrency=4, grace=timedelta(milliseconds=20)).opened() as lanes:
        for thing in "abc":
            await lanes.offer("k", thing)
        await began.wait()
    await lanes.offer("k", "late")
    assert released == ["a", "b", "c", "late"]


async def test_what_waits_between_two_attempts_is_given_back_at_once() -> None:
    """Closing does not wait for a delay of an hour."""
    tried, released = asyncio.Event(), []

    async def attempt(thing, attempts):
        tried.set()
        return 3600.0

    async def release(thing):
        released.append(thing)

    async with Lanes(attempt, release, concurrency=4, grace=timedelta(hours=1)).opened() as lanes:
        await lanes.offer("k", "a")
        await lanes.offer("k", "b")
        await lanes.offer(None, "c")
        await tried.wait()
    assert sorted(released) == ["a", "b", "c"]
