import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from orchestration_gateway.live.feed import Feed, FeedEvent, LaggedError
from orchestration_gateway.live.following import all_portions


def event(position: int) -> FeedEvent:
    return FeedEvent(position, "note", "{}")


def feed(*positions: int, keep: int = 3) -> Feed:
    made = Feed(keep)
    for position in positions:
        made.add(event(position))
    return made


async def test_readers_have_their_own_places() -> None:
    """Each gets what is behind its place, in order; what came twice is there once."""
    made = feed(0, 1, 1, 0, 2)
    assert [each.position for each in await made.after(-1)] == [0, 1, 2]
    assert [each.position for each in await made.after(1)] == [2]


async def test_a_reader_waits_for_news_and_for_the_end() -> None:
    """It is woken by an event, and by the end, complete or not."""
    made = feed(0)
    waiting = [asyncio.create_task(made.after(0)) for _ in range(3)]
    await asyncio.sleep(0)
    made.add(event(1))
    assert [[each.position for each in found] for found in await asyncio.gather(*waiting)] == [[1]] * 3
    made.end()
    assert await made.after(1) == []
    broken = feed(0)
    broken.end(ValueError("gone"))
    assert len(await broken.after(-1)) == 1
    with pytest.raises(ValueError, match="gone"):
        await broken.after(0)


async def test_a_tenants_stream_beats_whatever_others_do() -> None:
    """What happens to others, however often, neither takes the place of a beat nor moves one."""

    class Changes:
        async def events(self, *, after: int | None) -> AsyncIterator[list[FeedEvent]]:
            position = 0
            while True:
                await asyncio.sleep(0)
                position += 1
                yield [FeedEvent(position, "run_created", "{}", "other")]

    config = SimpleNamespace(stream_heartbeat_s=0.01)
    portions = all_portions(after=None, tenant="acme", state=SimpleNamespace(changes=Changes(), config=config))
    async with asyncio.timeout(60):
        assert [await anext(portions) for _ in range(3)] == [None, None, None]
    await portions.aclose()


async def test_who_falls_behind_is_told() -> None:
    """A place before what is kept is an error that names the oldest; memory stays as it is."""
    made = feed(*range(10))
    with pytest.raises(LaggedError) as caught:
        await made.after(5)
    assert caught.value.oldest == 7
    assert [each.position for each in await made.after(6)] == [7, 8, 9]
