"""PostgreSQL is killed and restarted again and again under load: nothing acknowledged is lost, no event is doubled in effect."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import Column, MetaData, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_db import (
    CommitUnknownError,
    Database,
    DatabaseError,
    DatabaseOptions,
    Outbox,
    RetryPolicy,
    create_outbox,
    parse_url,
)
from maestro_core_db.testing import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ROUNDS = 4
WRITERS = 4
PATIENT = RetryPolicy(max_attempts=10_000, budget=timedelta(seconds=60), max_delay=timedelta(milliseconds=100))
LEASE = timedelta(seconds=2)
WHOLE_S = 100.0
ORDERS = Table("orders", MetaData(), Column("name", Text, primary_key=True))


@dataclass
class Load:
    """What writers were told, and what a consumer has seen."""

    db: Database
    outbox: Outbox
    acknowledged: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    published: list[str] = field(default_factory=list)
    stopping: bool = False

    async def write(self, writer: int) -> None:
        """Keep an order and the event that tells of it, in one transaction, again and again."""
        number = 0
        while not self.stopping:
            name = f"{writer}-{number:06}"
            number += 1

            async def work(session: AsyncSession, name: str = name) -> None:
                await session.execute(ORDERS.insert().values(name=name))
                await self.outbox.add(session, f'{{"order": "{name}"}}', "orders", str(writer))
                await session.commit()

            try:
                await self.db.retrying(work, policy=PATIENT)
                self.acknowledged.add(name)
            except CommitUnknownError:
                self.unknown.add(name)

    async def relay(self) -> None:
        """Publish what is owed until nothing is, whatever happens to the database."""
        while True:
            try:
                if not (self.stopping and (await self.outbox.state()).pending):
                    await self.outbox.arrived(timedelta(milliseconds=50))
                entries = await self.outbox.claim(lease=LEASE)
                self.published += [entry.event_json.split('"')[3] for entry in entries]
                await self.outbox.done(entries)
                if self.stopping and not entries and not (await self.outbox.state()).pending:
                    return
            except CommitUnknownError:
                continue  # what is still owed is claimed again when its lease has run out
            except DatabaseError as error:
                if not error.is_transient:
                    raise
                await asyncio.sleep(0.05)

    async def go_on(self, count: int = 20) -> None:
        """Wait until so many further writes are acknowledged."""
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(60):
            while len(self.acknowledged) < wanted:
                await asyncio.sleep(0.005)


async def test_a_server_killed_under_load_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Killed and restarted four times: every acknowledged write is there, with its event; a key's events keep their order."""
    recoveries = []
    with PostgresServer.running(durability="full") as server:
        options = replace(DatabaseOptions(url=parse_url(server.url())), lock_timeout=timedelta(seconds=30))
        async with Database.opened(options) as db:
            async with db.transaction() as session:
                connection = await session.connection()
                await connection.run_sync(ORDERS.metadata.create_all)
                await connection.run_sync(create_outbox)
                await session.commit()
            load = Load(db, Outbox(db))
            async with asyncio.timeout(WHOLE_S), asyncio.TaskGroup() as tasks:
                for writer in range(WRITERS):
                    tasks.create_task(load.write(writer))
                tasks.create_task(load.relay())
                for _ in range(ROUNDS):
                    await load.go_on()
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                    began = time.monotonic()
                    await load.go_on(1)
                    recoveries.append(time.monotonic() - began)
                await load.go_on()
                load.stopping = True
            async with db.reading() as session:
                kept = set((await session.scalars(select(ORDERS.c.name))).all())
    assert load.acknowledged <= kept <= load.acknowledged | load.unknown
    first_seen = list(dict.fromkeys(load.published))
    assert set(first_seen) == kept, "an event for each order, and for no other"
    for writer in range(WRITERS):
        own = [name for name in first_seen if name.startswith(f"{writer}-")]
        assert own == sorted(own)
    with capsys.disabled():
        sys.stdout.write(
            f"\nPostgreSQL killed {ROUNDS} times: {len(kept):,} writes kept, {len(load.unknown)} commits unknown, "
            f"{len(load.published) - len(first_seen)} events published again, "
            f"writing again {min(recoveries):.2f}-{max(recoveries):.2f} s after the server\n"
        )
