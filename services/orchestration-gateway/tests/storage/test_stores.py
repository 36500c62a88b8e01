"""Deliveries, triggers, places of streams and changes of runs, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text, update

from maestro_core_api import TooManyRequestsException
from maestro_core_db import Database, DatabaseUnavailableError, Migrations
from maestro_core_db.testing import TemporaryDatabase
from orchestration_gateway import migrations
from orchestration_gateway.live.feed import LaggedError
from orchestration_gateway.live.run_changes import RunChanges
from orchestration_gateway.quotas.quota import Quota
from orchestration_gateway.quotas.quotas import Quotas
from orchestration_gateway.tables import FEED_STATE, SCHEDULES
from orchestration_gateway.triggers.declaration import DECLARATION
from orchestration_gateway.triggers.delivery import Delivery, DeliveryStatus, Start
from orchestration_gateway.triggers.delivery_store import DeliveryStore
from orchestration_gateway.triggers.schedules import schedule_id
from orchestration_gateway.triggers.sealing import KeysUnreadableError, Seal
from orchestration_gateway.triggers.trigger import Key, Origin, Trigger
from orchestration_gateway.triggers.trigger_store import TriggerStore

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
async def db(temporary_database: TemporaryDatabase) -> AsyncIterator[Database]:
    """A database with the service's tables."""
    async with Database.opened(temporary_database.url) as opened:
        await Migrations(migrations).upgrade(opened)
        yield opened


def delivery(number: int, **changes: Any) -> Delivery:
    made = Delivery(
        id=f"{number:032x}",
        trigger="t",
        tenant=None,
        key=f"m{number}",
        digest="d",
        message={"body": {"text": "\u0000 \ud800 \u00e9"}},
        status=DeliveryStatus.WAITING,
        received_at=NOW + timedelta(seconds=number),
        waiting_since=NOW,
        start=Start("a/b", f"t.{number}", [1]),
        options={"priority": 1},
        next_attempt_at=NOW,
    )
    return replace(made, **changes)


async def test_a_delivery_is_kept_as_it_is_and_once(db: Database) -> None:
    """Whatever is in it; the second of one id changes nothing, also when all come at once."""
    store = DeliveryStore(db)
    assert sorted(await asyncio.gather(*(store.add(delivery(1)) for _ in range(5)))) == [False] * 4 + [True]
    assert not await store.add(delivery(1, digest="other"))
    assert await store.get(delivery(1).id) == delivery(1)
    assert await store.get("nothing") is None


async def test_a_claimed_delivery_is_nobody_elses_until_its_lease_ends(db: Database) -> None:
    """Each is claimed once, however many claim at once; afterwards it is there again."""
    store = DeliveryStore(db)
    for number in range(10):
        await store.add(delivery(number))
    await store.add(delivery(10, next_attempt_at=NOW + timedelta(hours=1)))
    await store.add(delivery(11, status=DeliveryStatus.DEAD))
    lease = timedelta(seconds=5)
    claims = await asyncio.gather(*(store.claim(NOW, limit=4, lease=lease) for _ in range(4)))
    claimed = [each.id for claim in claims for each in claim]
    assert sorted(claimed) == sorted(set(claimed))
    while more := await store.claim(NOW, limit=4, lease=lease):
        claimed += [each.id for each in more]
    assert sorted(claimed) == [delivery(number).id for number in range(10)]
    assert await store.claim(NOW + timedelta(seconds=4), limit=20, lease=lease) == []
    assert len(await store.claim(NOW + timedelta(seconds=6), limit=20, lease=lease)) == 10


async def test_a_settled_delivery_is_not_settled_again(db: Database) -> None:
    """Who comes later with what it began changes nothing, and tells nobody."""
    store = DeliveryStore(db)
    await store.add(delivery(1))
    told: list[str] = []

    async def announce(session: Any, changed: Delivery) -> None:
        told.append(changed.status)

    started = delivery(1, status=DeliveryStatus.STARTED, settled_at=NOW, next_attempt_at=None)
    dead = replace(started, status=DeliveryStatus.DEAD)
    assert await store.change(started, only_while=DeliveryStatus.WAITING, announce=announce)
    assert not await store.change(dead, only_while=DeliveryStatus.WAITING, announce=announce)
    assert told == ["started"]
    assert (await store.get(started.id)) == started


async def test_an_attempt_of_before_a_replay_changes_nothing(db: Database) -> None:
    """What comes late of it, and a second replay at the same time, meet a delivery that is wanted since another time."""
    store = DeliveryStore(db)
    await store.add(delivery(1, status=DeliveryStatus.DEAD))
    replayed = delivery(1, waiting_since=NOW + timedelta(seconds=1), start=Start("a/b", "t.anew", []))
    assert await store.change(replayed, only_while=DeliveryStatus.DEAD, since=NOW)
    late = delivery(1, status=DeliveryStatus.STARTED, settled_at=NOW, next_attempt_at=None)
    assert not await store.change(late, only_while=DeliveryStatus.WAITING, since=NOW)
    assert await store.get(late.id) == replayed


async def test_pages_and_what_is_forgotten(db: Database) -> None:
    """Newest first, filtered, each once; old ones go by where they stand."""
    store = DeliveryStore(db)
    for number in range(6):
        status = [DeliveryStatus.STARTED, DeliveryStatus.DEAD, DeliveryStatus.WAITING][number % 3]
        await store.add(delivery(number, status=status, settled_at=NOW, tenant="acme" if number < 3 else None))
    first = await store.page(tenant=None, limit=4)
    last = first[-1]
    rest = await store.page(tenant=None, limit=4, before=(last.received_at, last.id))
    assert [each.key for each in [*first, *rest]] == ["m5", "m4", "m3", "m2", "m1", "m0"]
    assert [each.key for each in await store.page(tenant="acme", limit=9)] == ["m2", "m1", "m0"]
    assert [each.key for each in await store.page(tenant=None, status=DeliveryStatus.DEAD, limit=9)] == ["m4", "m1"]
    assert await store.page(tenant=None, trigger="other", limit=9) == []
    assert await store.census() == {"waiting": 2, "started": 2, "filtered": 0, "dead": 2}
    assert await store.purge(settled_before=NOW + timedelta(seconds=1), dead_before=NOW) == 2
    assert await store.census() == {"waiting": 2, "started": 0, "filtered": 0, "dead": 2}


async def test_keys_are_encrypted_and_rotate_with_the_secret(db: Database) -> None:
    """They are not in the row; a replaced secret reads them still, another one says what to do."""
    old, new = SecretStr("o" * 32), SecretStr("n" * 32)
    hook = DECLARATION.validate_python({"kind": "webhook", "workflow": "a/b"})
    keys = (Key("whsec_secret"), Key("whsec_older", NOW))
    trigger = Trigger("t", None, hook, Origin.API, 1, NOW, NOW, "me", keys)
    async with db.transaction() as session:
        await TriggerStore(db, Seal([old])).put(session, trigger)
        await session.commit()
    assert await TriggerStore(db, Seal([new, old])).get("t") == trigger
    other = TriggerStore(db, Seal([new]))
    unreadable = await other.get("t")
    assert unreadable is not None
    assert unreadable.keys == ()
    assert "previous_encryption_keys" in str(unreadable.keys_problem)
    sealed = Seal([old]).seal("t", keys)
    assert "whsec" not in sealed
    with pytest.raises(KeysUnreadableError):
        Seal([old]).unseal("other", sealed)  # put into the row of another trigger


async def test_schedules_of_before_get_their_new_ids(temporary_database: TemporaryDatabase) -> None:
    """The platform's keep theirs; a tenant's is made under its new one and taken away under the old one."""
    async with Database.opened(temporary_database.url) as opened:
        await Migrations(migrations).upgrade(opened, "0001")
        async with opened.transaction() as session:
            for name, tenant in (("ours", None), ("theirs", "acme")):
                values = {"name": name, "tenant": tenant}
                for table, columns in (
                    ("triggers", "name, tenant, kind, declaration_json, revision, created_at, updated_at, updated_by"),
                    ("schedules", "trigger_name, wanted_json, changed_at, applied_at, attempts"),
                ):
                    given = {
                        "triggers": ":name, :tenant, 'schedule', '{}', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 'me'",
                        "schedules": ":name, '{}', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 0",
                    }[table]
                    await session.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({given})"), values)
            await session.commit()
        await Migrations(migrations).upgrade(opened)
        assert await Migrations(migrations).differences(opened) == ()
        async with opened.reading() as session:
            found = {
                row.schedule_id: (row.wanted_json, row.applied_at) for row in await session.execute(select(SCHEDULES))
            }
    assert found == {
        "trigger.ours": ("{}", None),
        "trigger.theirs": (None, None),
        schedule_id("theirs", "acme"): ("{}", None),
    }


async def test_places_are_counted_over_all_processes(db: Database) -> None:
    """Of two processes that share a database, all streams together are never more than the quota; a dead one's come free."""
    now = [NOW]
    one, two = (Quotas(None, db, Quota(streams=3), {}, clock=lambda: now[0]) for _ in range(2))
    opened = [one.stream("acme"), two.stream("acme"), two.stream("acme")]
    for each in opened:
        await each.__aenter__()
    for quotas in (one, two):
        with pytest.raises(TooManyRequestsException) as caught:
            await quotas.stream("acme").__aenter__()
        assert caught.value.extra == {"rule": "streams-per-tenant", "limit": 3, "retry_after": 1}
    async with one.stream("other"), one.stream(None):
        pass
    await opened[0].__aexit__(None, None, None)
    async with two.stream("acme"):
        pass
    now[0] = NOW + timedelta(minutes=1)  # nobody renewed: the process is dead
    async with one.stream("acme"), one.stream("acme"), one.stream("acme"):
        pass


async def test_places_that_no_stream_has_are_given_back(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was left by a cancelled request or could not be given back is free again; those of open streams stay."""
    quotas = Quotas(None, db, Quota(streams=3), {}, clock=lambda: NOW)

    async def away(which: Any) -> None:
        raise DatabaseUnavailableError("it is away")

    async with quotas.stream("acme"):
        with monkeypatch.context() as patched:
            patched.setattr(quotas, "_give_back", away)
            async with quotas.stream("acme"):
                pass
        assert await quotas._take_place("t:acme", 3) == 2  # and then the request was cancelled
        for _ in range(2):
            with pytest.raises(TooManyRequestsException):
                await quotas.stream("acme").__aenter__()
            await quotas._renew_places()
        async with quotas.stream("acme"), quotas.stream("acme"):
            with pytest.raises(TooManyRequestsException):
                await quotas.stream("acme").__aenter__()


class Runs:
    """An orchestrator of which only the listing is asked."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []

    def add(self, name: str, **changes: Any) -> None:
        at = NOW.isoformat()
        run = {"id": name, "status": "running", "created_at": at, "finished_at": None, "attributes": {}, **changes}
        self.listed = [each for each in self.listed if each["id"] != name] + [run]

    async def runs(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = [run for run in self.listed if "created_after" in params or run["finished_at"] is not None]
        return {"runs": wanted, "next_cursor": None}


async def test_changes_are_numbered_alike_by_all_processes(db: Database) -> None:
    """One process looks, the others read what it found; each change has one number, and tenants are kept."""
    orchestrator: Any = Runs()
    options: dict[str, Any] = {
        "interval": timedelta(milliseconds=20), "keep": timedelta(days=1), "memory": 10, "clock": lambda: NOW,
    }  # fmt: skip
    one, two = (RunChanges(db, orchestrator, **options) for _ in range(2))
    async with one.at_work(), two.at_work():
        readers = [changes.events(after=0) for changes in (one, two)]
        coming = [asyncio.ensure_future(anext(reader)) for reader in readers]
        orchestrator.add("a", attributes={"tenant": "acme"})
        seen = [list(await each) for each in coming]
        orchestrator.add("a", finished_at=NOW.isoformat(), status="completed")
        for number, reader in enumerate(readers):
            while len(seen[number]) < 2:
                seen[number] += await anext(reader)
            await reader.aclose()
    assert seen[0] == seen[1]
    assert [(event.type, event.tenant) for event in seen[0]] == [("run_created", "acme"), ("run_finished", None)]


async def looking(db: Database, orchestrator: Any) -> RunChanges:
    """Changes of runs whose turn it is to look."""
    options = {"interval": timedelta(seconds=1), "keep": timedelta(days=1), "memory": 10, "clock": lambda: NOW}
    changes = RunChanges(db, orchestrator, **options)  # type: ignore[arg-type]
    assert await changes._take_turn()
    return changes


async def test_a_long_list_of_runs_is_kept_page_by_page(db: Database) -> None:
    """What a page has is kept before the next one is asked for, so that no list is ever held as a whole."""
    kept: list[int] = []

    class Paged(Runs):
        async def runs(self, params: dict[str, Any]) -> dict[str, Any]:
            kept.append(await changes.position())
            found = (await super().runs(params))["runs"]
            at = int(params.get("cursor", 0))
            return {"runs": found[at : at + 2], "next_cursor": str(at + 2) if at + 2 < len(found) else None}

    orchestrator = Paged()
    for number in range(6):
        orchestrator.add(f"r{number}", **({"finished_at": NOW.isoformat()} if number < 3 else {}))
    changes = await looking(db, orchestrator)
    await changes._look()
    assert kept == [0, 0, 2, 4, 8]
    assert await changes.position() == 9
    await changes._look()
    assert await changes.position() == 9


async def test_who_lost_its_turn_keeps_nothing(db: Database) -> None:
    """Two processes never write changes side by side: the positions of one could be passed before they can be read."""

    class Slow(Runs):
        async def runs(self, params: dict[str, Any]) -> dict[str, Any]:
            async with db.transaction() as session:
                await session.execute(update(FEED_STATE).values(holder="another"))
                await session.commit()
            return await super().runs(params)

    orchestrator = Slow()
    orchestrator.add("a")
    changes = await looking(db, orchestrator)
    await changes._look()
    assert await changes.position() == 0


async def test_a_place_that_is_no_longer_kept(db: Database) -> None:
    """Who comes back after its events were trimmed is told, instead of being sent what comes after the gap."""
    now = [NOW]
    orchestrator: Any = Runs()
    changes = RunChanges(
        db,
        orchestrator,
        interval=timedelta(milliseconds=20),
        keep=timedelta(hours=1),
        memory=2,
        clock=lambda: now[0],
    )
    for number in range(5):
        orchestrator.add(f"r{number}")
    async with changes.at_work():
        reader = changes.events(after=0)
        seen: list[Any] = []
        while len(seen) < 5:
            seen += await anext(reader)
        await reader.aclose()
        now[0] = NOW + timedelta(hours=2)
        changes._trimmed_at = float("-inf")
        await changes._trim()
        late = changes.events(after=seen[1].position)
        with pytest.raises(LaggedError):
            await anext(late)
        await late.aclose()
