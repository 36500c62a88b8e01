import asyncio
import json
import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from maestro_core_db import Database, Outbox, OutboxEntry, OutboxFullError, create_outbox

NO_TIME = timedelta(0)
LONG = timedelta(hours=1)


@pytest.fixture
async def outbox(db: Database) -> Outbox:
    async with db.transaction() as session:
        await (await session.connection()).run_sync(create_outbox)
        await session.commit()
    return Outbox(db, first_delay=LONG, max_delay=LONG)


async def add(db: Database, outbox: Outbox, *events: tuple[str | None, int]) -> None:
    async with db.transaction() as session:
        for key, number in events:
            await outbox.add(session, json.dumps({"number": number}), "maestro.notes.note.written", key)
        await session.commit()


def numbers(entries) -> list[int]:
    return [json.loads(entry.event_json)["number"] for entry in entries]


async def test_an_event_is_owed_with_its_change(db: Database, outbox: Outbox) -> None:
    """An event of a transaction that is rolled back was never there; a committed one is claimed as it was added."""
    async with db.transaction() as session:
        await outbox.add(session, '{"number": 1}', "subject")
    assert await outbox.claim() == ()
    async with db.transaction() as session:
        await outbox.add(session, '{"number": 2}', "subject", "a")
        await session.commit()
    (entry,) = await outbox.claim()
    assert (entry.event_json, entry.subject, entry.key, entry.attempts) == ('{"number": 2}', "subject", "a", 0)
    with pytest.raises(ValueError, match="Expecting"):
        await outbox.add(session, "{", "subject")


async def test_what_is_claimed_is_nobody_else_s(db: Database, outbox: Outbox) -> None:
    """While a lease lasts, another relay gets the others; what is done is gone."""
    await add(db, outbox, *((None, number) for number in range(5)))
    first = await outbox.claim(limit=3)
    other = Outbox(db)
    second = await other.claim()
    assert (numbers(first), numbers(second)) == ([0, 1, 2], [3, 4])
    assert await outbox.done(first) == 3
    assert await outbox.done(first) == 0
    assert (await outbox.state()).pending == 2
    assert await other.claim() == ()


async def test_a_lease_that_ran_out_is_worth_nothing(db: Database, outbox: Outbox) -> None:
    """After its lease an entry is another relay's, and the late one can neither finish nor fail it."""
    await add(db, outbox, ("a", 1))
    late = await outbox.claim(lease=NO_TIME)
    (entry,) = await Outbox(db).claim(lease=LONG)
    assert await outbox.done(late) == 0
    await outbox.failed(late[0], "too late")
    assert await outbox.released(late) == 0
    state = await outbox.state()
    assert (state.pending, state.failing) == (1, 0)
    assert await outbox.done([entry]) == 1


async def test_a_key_keeps_its_order(db: Database, outbox: Outbox) -> None:
    """While an event is claimed or waits after a failure, later ones of its key wait; other keys go on."""
    await add(db, outbox, ("a", 1), ("b", 2), ("a", 3), (None, 4), ("a", 5), ("b", 6))
    first = await outbox.claim(limit=1)
    assert numbers(first) == [1]
    assert numbers(await outbox.claim(limit=2)) == [2, 4]  # 3 waits for 1
    assert await outbox.claim() == ()  # 6 waits for 2
    await outbox.failed(first[0], "the broker is away")
    assert await outbox.claim() == ()
    state = await outbox.state()
    assert (state.pending, state.failing, state.last_error) == (6, 1, "the broker is away")
    assert await outbox.discard(first[0].id)
    assert numbers(await outbox.claim()) == [3, 5]


async def test_a_failure_gives_the_key_s_later_ones_back(db: Database, outbox: Outbox) -> None:
    """Of events claimed together, those behind a failed one of their key wait for it and come after it."""
    eager = Outbox(db, first_delay=NO_TIME)
    await add(db, outbox, ("a", 1), ("b", 2), ("a", 3))
    one, two, _ = await outbox.claim(lease=LONG)
    await eager.failed(one, "x" * 1_000)
    assert await outbox.done([two]) == 1
    again = await outbox.claim()
    assert numbers(again) == [1, 3]
    assert [entry.attempts for entry in again] == [1, 0]
    assert await outbox.released(again) == 2
    assert numbers(await outbox.claim()) == [1, 3]


async def test_pauses_grow(db: Database, outbox: Outbox) -> None:
    """The pause after a failure doubles up to its limit, by the database's clock."""
    patient = Outbox(db, first_delay=timedelta(seconds=100), max_delay=timedelta(seconds=250))
    await add(db, outbox, ("a", 1))
    pauses = []
    for attempts in range(4):
        (entry,) = await patient.claim(lease=LONG)
        assert entry.attempts == attempts
        await patient.failed(entry, "no")
        async with db.transaction() as session:
            available, added = (await session.execute(text("SELECT available_at_ms, added_at_ms FROM outbox"))).one()
            pauses.append(round((available - added) / 1_000, -1))
            await session.execute(text("UPDATE outbox SET available_at_ms = 0"))
            await session.commit()
    assert pauses == [100, 200, 250, 250]


async def test_it_takes_no_more_than_its_limit(db: Database, outbox: Outbox) -> None:
    """A full outbox refuses an event, and so the change it belongs to, and takes more when there is room."""
    await add(db, outbox, (None, 1), (None, 2))
    with pytest.raises(OutboxFullError) as caught:
        await add(db, Outbox(db, max_pending=2), (None, 3))
    assert caught.value.code == "OUTBOX_FULL"
    await outbox.done((await outbox.claim())[:1])
    await add(db, Outbox(db, max_pending=2), (None, 3))
    assert (await outbox.state()).pending == 2


async def test_published_events_can_be_kept_and_purged(db: Database, outbox: Outbox) -> None:
    """With `keep`, published events stay, are not claimed again, hold up nobody, and are purged when they are old."""
    keeping = Outbox(db, keep=LONG)
    await add(db, outbox, ("a", 1), ("a", 2))
    entries = await keeping.claim()
    assert await keeping.done(entries[:1]) == 1
    assert await keeping.done(entries[:1]) == 0
    await keeping.released(entries[1:])
    assert (await keeping.state()).pending == 1
    assert numbers(await keeping.claim()) == [2]
    assert await keeping.purge(LONG) == 0
    assert await keeping.purge() == 1


async def test_an_added_event_wakes_the_relay(db: Database, outbox: Outbox) -> None:
    """A relay of the same process need not poll: it is woken by the commit, not by adding."""
    async with db.transaction() as session:
        await outbox.add(session, "{}", "subject")
        assert not await outbox.arrived(NO_TIME)
        waiting = asyncio.create_task(outbox.arrived(timedelta(seconds=30)))
        await session.commit()
    assert await waiting
    assert not await outbox.arrived(NO_TIME)


async def test_relays_at_once_publish_everything_in_order(db: Database, outbox: Outbox) -> None:
    """Four relays, who fail at random, publish each of 200 events exactly once, and each key's in order."""
    drawn = random.Random(7)
    published: dict[str | None, list[int]] = {}
    relays = [Outbox(db, first_delay=NO_TIME) for _ in range(4)]

    async def publish(relay: Outbox, entries: list[OutboxEntry]) -> None:
        stopped = set()
        for entry in entries:
            if entry.key in stopped:
                continue
            if entry.key is not None and drawn.random() < 0.1:
                stopped.add(entry.key)
                await relay.failed(entry, "at random")
                continue
            await asyncio.sleep(0)
            published.setdefault(entry.key, []).extend(numbers([entry]))
            assert await relay.done([entry]) == 1

    async def work(relay: Outbox) -> None:
        while (await relay.state()).pending:
            await publish(relay, list(await relay.claim(limit=drawn.randint(1, 9), lease=LONG)))

    events = [(f"key-{number % 7}" if number % 5 else None, number) for number in range(200)]
    for start in range(0, 200, 20):
        await add(db, outbox, *events[start : start + 20])
    await asyncio.gather(*(work(relay) for relay in relays))
    assert sorted(number for each in published.values() for number in each) == list(range(200))
    assert all(published[key] == sorted(published[key]) for key in published if key is not None)
