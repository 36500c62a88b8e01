import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maestro_core_api.testing import FakeClock

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_time_stands_still_until_it_is_moved() -> None:
    """Time of day and monotonic seconds move together when time passes, and apart when the clock is set."""
    clock = FakeClock(START)
    assert (clock.now(), clock.time(), clock.monotonic()) == (START, START.timestamp(), 0.0)
    clock.advance(timedelta(seconds=90))
    assert (clock.now(), clock.monotonic()) == (START + timedelta(seconds=90), 90.0)
    clock.set(START)
    assert (clock.now(), clock.monotonic()) == (START, 90.0)


async def test_sleepers_wake_up_in_their_time() -> None:
    """Each sleeper wakes up when its own time has passed, not before, and not because the clock was set."""
    clock, woken = FakeClock(START), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for seconds in (3.0, 1.0, 0.0):
            group.create_task(sleeper(seconds))
        while clock.sleepers < 2 or woken != [0.0]:
            await asyncio.sleep(0)
        clock.set(START + timedelta(days=1))
        clock.advance(timedelta(seconds=1))
        while woken != [0.0, 1.0]:
            await asyncio.sleep(0)
        assert clock.sleepers == 1
        await asyncio.to_thread(clock.advance, timedelta(seconds=2))
    assert woken == [0.0, 1.0, 3.0]


async def test_a_cancelled_sleeper_is_none() -> None:
    """Who stopped sleeping is neither counted nor woken."""
    clock = FakeClock()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await clock.sleep(5)
    assert clock.sleepers == 0
    clock.advance(timedelta(seconds=5))


def test_mistakes_are_explained() -> None:
    """A time without a zone and a negative one are refused with what to write instead."""
    with pytest.raises(ValueError, match="tzinfo=UTC"):
        FakeClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake
    with pytest.raises(ValueError, match="tzinfo=UTC"):
        FakeClock().set(datetime(2026, 1, 1))  # noqa: DTZ001 - as above
    with pytest.raises(ValueError, match="set"):
        FakeClock().advance(timedelta(seconds=-1))
