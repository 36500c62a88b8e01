"""NATS and consumers killed at random, under load: each acknowledged event has one effect, in the order of its key."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import sys
import time
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel

from maestro_core_messaging import Broker, EventType, MessagingSettings
from maestro_core_messaging.testing import NatsServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]
LOAD_S = 30.0
KEYS = 20


class Step(BaseModel):
    key: str
    number: int


STEPPED = EventType("orders.step.taken", 1, Step)

CONSUMER = """
import asyncio, sqlite3, sys
from contextlib import asynccontextmanager
from datetime import timedelta
from maestro_core_messaging import Broker, EventType, MessagingSettings, RedeliveryPolicy, TransactionalProcessedEvents
from pydantic import BaseModel

class Step(BaseModel):
    key: str
    number: int

STEPPED = EventType("orders.step.taken", 1, Step)
turn = asyncio.Lock()

@asynccontextmanager
async def transaction():
    async with turn:
        database = sqlite3.connect(sys.argv[2], isolation_level=None, timeout=30)
        try:
            database.execute("PRAGMA synchronous=OFF")  # what is killed is the process, not the machine
            database.execute("BEGIN IMMEDIATE")
            yield database
        finally:
            database.close()

async def record(session, consumer, identity):
    done = session.execute("INSERT INTO processed_events VALUES (?, ?) ON CONFLICT DO NOTHING", (consumer, identity))
    return done.rowcount == 1

async def commit(session):
    session.execute("COMMIT")

async def main():
    settings = MessagingSettings(messaging_url=sys.argv[1], messaging_connect_timeout_s=60)
    policy = RedeliveryPolicy(max_deliveries=1000, initial_delay=timedelta(milliseconds=20))
    async with Broker.opened(settings, service_name="orders") as broker:
        @broker.subscriber(STEPPED, durable="effects", processed=TransactionalProcessedEvents(transaction, record, commit),
            redelivery=policy)
        async def effect(event, session):
            session.execute("INSERT INTO effects (key, number, at) VALUES (?, ?, unixepoch('subsec'))",
                (event.data.key, event.data.number))
        await asyncio.Event().wait()

asyncio.run(main())
"""


def make_database(path: Path) -> None:
    """Make the tables of the effects and of the events that had one."""
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE processed_events (consumer TEXT, identity TEXT, PRIMARY KEY (consumer, identity))")
        made.execute("CREATE TABLE effects (id INTEGER PRIMARY KEY, key TEXT, number INTEGER, at REAL)")


def effects(path: Path) -> dict[str, list[int]]:
    """Return what was written, by key, in the order in which it was."""
    found: dict[str, list[int]] = defaultdict(list)
    with closing(sqlite3.connect(path, timeout=30)) as database:
        for key, number in database.execute("SELECT key, number FROM effects ORDER BY id"):
            found[key].append(number)
    return found


def longest_pause(path: Path) -> float:
    """Return the longest time without an effect, in seconds."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        times = [at for (at,) in database.execute("SELECT at FROM effects ORDER BY at")]
    return max(later - earlier for earlier, later in pairwise(times))


async def start_consumer(server: NatsServer, path: Path, log: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as errors:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", CONSUMER, server.url, str(path), stdout=errors, stderr=errors
        )


async def test_servers_and_consumers_killed_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two instances of a consumer and the server die again and again for thirty seconds; the effects are those of no fault."""
    chance = random.Random(20261126)
    database, log = tmp_path / "effects.db", tmp_path / "consumers.log"
    make_database(database)
    acknowledged = dict.fromkeys((f"k{number}" for number in range(KEYS)), 0)
    kills = {"server": 0, "consumer": 0}
    with NatsServer(tmp_path / "nats") as server:
        consumers = [await start_consumer(server, database, log) for _ in range(2)]
        settings = MessagingSettings(messaging_url=server.url, messaging_publish_timeout_s=60)
        try:
            async with Broker.opened(settings, service_name="orders") as broker:
                deadline = time.monotonic() + LOAD_S

                async def publish(key: str) -> None:
                    while time.monotonic() < deadline:
                        await broker.publish(STEPPED, Step(key=key, number=acknowledged[key]), key=key)
                        acknowledged[key] += 1
                        await asyncio.sleep(0.2)

                async def kill() -> None:
                    while time.monotonic() < deadline:
                        await asyncio.sleep(chance.uniform(2, 5))
                        if chance.random() < 0.5:
                            server.kill()
                            await asyncio.sleep(chance.uniform(0, 1))
                            server.start()
                            kills["server"] += 1
                        else:
                            which = chance.randrange(2)
                            consumers[which].send_signal(signal.SIGKILL)
                            await consumers[which].wait()
                            consumers[which] = await start_consumer(server, database, log)
                            kills["consumer"] += 1

                await asyncio.gather(kill(), *(publish(key) for key in acknowledged))
                loaded = time.monotonic()
                total = sum(acknowledged.values())
                async with asyncio.timeout(90):
                    while sum(map(len, effects(database).values())) < total:
                        await asyncio.sleep(0.1)
                caught_up_s = time.monotonic() - loaded
        finally:
            for consumer in consumers:
                if consumer.returncode is None:
                    consumer.kill()
                await consumer.wait()
    assert kills["server"]
    assert kills["consumer"]
    assert effects(database) == {key: list(range(count)) for key, count in acknowledged.items()}
    with capsys.disabled():
        print(  # noqa: T201  the recovery time is for whoever runs it
            f"\n{sum(acknowledged.values())} events of {KEYS} keys, {kills['server']} kills of the server and "
            f"{kills['consumer']} of consumers: the longest time without an effect was {longest_pause(database):.1f} s; "
            f"{caught_up_s:.1f} s after the load all were handled"
        )
