import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cutting_proxy import CuttingProxy
from notes import Folder, Note, make_tables, run, store
from sqlalchemy import func, select, text

from maestro_core_db import (
    CommitUnknownError,
    ConstraintViolatedError,
    Database,
    DatabaseAccessError,
    DatabaseBusyError,
    DatabaseOptions,
    DatabaseSettingsError,
    DatabaseUnavailableError,
    QueryTimeoutError,
    RetryPolicy,
    TransactionConflictError,
    parse_url,
)
from maestro_core_db.testing import PostgresServer, TemporaryDatabase

SHORT = timedelta(milliseconds=200)
PATIENT = RetryPolicy(max_attempts=1_000, budget=timedelta(seconds=60), max_delay=timedelta(milliseconds=100))


@pytest.fixture
async def db(postgres_database: TemporaryDatabase) -> AsyncIterator[Database]:
    async with Database.opened(options(postgres_database.url)) as opened:
        await make_tables(opened)
        yield opened


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that this test may kill."""
    with PostgresServer.running(durability="full") as server:
        yield server


def options(url: str, **changes: Any) -> DatabaseOptions:
    return replace(
        DatabaseOptions(
            url=parse_url(url),
            lock_timeout=SHORT,
            pool_timeout=SHORT,
            pool_size=2,
            pool_overflow=0,
            connect_timeout=SHORT * 50,
        ),
        **changes,
    )


async def names(db: Database) -> list[str]:
    async with db.reading() as session:
        return sorted((await session.scalars(select(Folder.name))).all())


async def opened_only(settings: DatabaseOptions) -> None:
    async with Database.opened(settings):
        pass


async def test_a_statement_that_takes_too_long_is_told(postgres_database: TemporaryDatabase) -> None:
    """A statement beyond its time is cancelled on the server, and the connection goes on."""
    async with Database.opened(options(postgres_database.url, statement_timeout=SHORT)) as db:
        with pytest.raises(QueryTimeoutError, match="statement timeout"):
            await run(db, "SELECT pg_sleep(60)")
        await run(db, "SELECT 1")


async def test_a_lock_that_is_held_too_long_is_told(db: Database) -> None:
    """Waiting for a row that somebody else holds ends, and says so."""
    await store(db, Folder(name="a"))
    async with db.transaction() as session:
        await session.execute(text("UPDATE folders SET name = 'b'"))
        with pytest.raises(DatabaseBusyError, match="held for too long"):
            await run(db, "UPDATE folders SET name = 'c'")
        await session.commit()
    assert await names(db) == ["b"]


async def test_an_exhausted_pool_is_told(db: Database) -> None:
    """When all connections are in use for too long, the error says which setting to raise."""
    async with db.transaction() as one, db.transaction() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
        with pytest.raises(DatabaseBusyError, match=r"all 2 connections .* database_pool_size"):
            await run(db, "SELECT 1")
    await run(db, "SELECT 1")


async def test_a_deadlock_ends_and_both_get_their_way(db: Database) -> None:
    """Two units of work that wait for each other: one is undone and done again, and both changes are there."""
    await store(db, Note(id=1, text="one"), Note(id=2, text="two"))
    both_hold_one, attempts = asyncio.Barrier(2), []

    async def change(session: Any, first: int, second: int) -> None:
        attempts.append(first)
        await session.execute(text("SET LOCAL lock_timeout = 0"))
        await session.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
        await session.execute(text(f"UPDATE notes SET size = size + 1 WHERE id = {first}"))
        if len(attempts) <= 2:
            await both_hold_one.wait()
        await session.execute(text(f"UPDATE notes SET size = size + 1 WHERE id = {second}"))
        await session.commit()

    await asyncio.gather(
        db.retrying(lambda session: change(session, 1, 2)), db.retrying(lambda session: change(session, 2, 1))
    )
    async with db.reading() as session:
        assert (await session.scalars(select(Note.size))).all() == [2, 2]
    assert len(attempts) == 3


async def test_a_serialisation_failure_is_told(db: Database) -> None:
    """Of two transactions that could not have come one after the other, the second one is undone."""
    await store(db, Note(id=1, text="one"))
    async with db.transaction(isolation="repeatable read") as session:
        await session.execute(select(Note))
        await run(db, "UPDATE notes SET size = 1")
        with pytest.raises(TransactionConflictError, match="do it again"):
            await session.execute(text("UPDATE notes SET size = 2"))


async def test_services_share_a_database_without_meeting(postgres_server: PostgresServer) -> None:
    """Each service's tables are in a schema of its own, and two services have tables of the same name."""
    url = postgres_server.url()
    for service in ("one-service", "two-service"):
        postgres_server.run(f"CREATE SCHEMA {service.replace('-', '_')}")
        async with Database.opened(url, service_name=service) as db:
            await make_tables(db)
            await store(db, Folder(name=service))
            assert await names(db) == [service]
    assert postgres_server.run("SELECT name FROM two_service.folders") == "two-service"


async def test_a_database_that_is_not_there_is_told(postgres_server: PostgresServer) -> None:
    """A database of another name is refused at once, with the name."""
    with pytest.raises(DatabaseAccessError, match='"nowhere" does not exist'):
        await opened_only(options(postgres_server.url("nowhere")))


async def test_what_cannot_be_a_url_is_told_without_its_secret() -> None:
    """A URL of another database is refused; the password is not repeated."""
    with pytest.raises(DatabaseSettingsError, match="mysql") as caught:
        async with Database.opened("mysql://me:hush@here/there"):
            pass
    assert "hush" not in str(caught.value)


async def test_a_commit_without_an_answer_is_told(
    postgres_server: PostgresServer, postgres_database: TemporaryDatabase
) -> None:
    """The connection breaks after COMMIT was sent: it is said that nobody knows, and the work is repeated only when allowed."""
    async with CuttingProxy.before(postgres_server.port) as proxy:
        url = postgres_database.url.replace(str(postgres_server.port), str(proxy.port))
        async with Database.opened(options(url)) as db:
            await make_tables(db)
            attempts = []

            async def work(session: Any) -> None:
                attempts.append(session)
                session.add(Folder(name="once"))
                await session.commit()

            proxy.cut_after(b"COMMIT")
            with pytest.raises(CommitUnknownError, match="during COMMIT"):
                await db.retrying(work)
            assert len(attempts) == 1
            assert await names(db) == ["once"]
            await run(db, "DELETE FROM folders")
            proxy.cut_after(b"COMMIT")
            with pytest.raises(ConstraintViolatedError):
                await db.retrying(work, policy=RetryPolicy(unknown_commit="repeat"))
            assert len(attempts) == 3


async def test_a_lost_connection_before_the_commit_is_repaired(
    postgres_server: PostgresServer, postgres_database: TemporaryDatabase
) -> None:
    """A connection that breaks in the middle of the work has changed nothing, and the work is done again."""
    async with CuttingProxy.before(postgres_server.port) as proxy:
        url = postgres_database.url.replace(str(postgres_server.port), str(proxy.port))
        async with Database.opened(options(url)) as db:
            await make_tables(db)
            proxy.cut_after(b"INSERT INTO folders")
            with pytest.raises(DatabaseUnavailableError, match="lost"):
                await store(db, Folder(name="lost"))
            proxy.cut_after(b"INSERT INTO folders")

            async def work(session: Any) -> None:
                session.add(Folder(name="kept"))
                await session.commit()

            await db.retrying(work)
            assert await names(db) == ["kept"]


async def test_a_server_that_comes_later_is_waited_for(own_server: PostgresServer) -> None:
    """Opening waits some time for a server that is just starting, and then says that there is none."""
    own_server.kill()
    with pytest.raises(DatabaseUnavailableError, match="is the server up"):
        await opened_only(options(own_server.url(), connect_timeout=SHORT))
    starting = asyncio.get_running_loop().run_in_executor(None, own_server.start)
    await opened_only(options(own_server.url(), connect_timeout=timedelta(seconds=60)))
    await starting


async def test_a_server_killed_in_the_middle_loses_nothing(own_server: PostgresServer) -> None:
    """Writers go on by themselves after the server was killed and restarted; what was acknowledged is there, once."""
    async with Database.opened(options(own_server.url(), lock_timeout=timedelta(seconds=30))) as db:
        await make_tables(db)
        acknowledged: set[str] = set()
        unknown: set[str] = set()
        stop = asyncio.Event()

        async def write(writer: int) -> None:
            number = 0
            while not stop.is_set():
                name = f"{writer}-{number}"
                number += 1

                async def work(session: Any, name: str = name) -> None:
                    session.add(Folder(name=name))
                    await session.commit()

                try:
                    await db.retrying(work, policy=PATIENT)
                    acknowledged.add(name)
                except CommitUnknownError:
                    unknown.add(name)

        async def reach(count: int) -> None:
            async with asyncio.timeout(60):
                while len(acknowledged) < count:
                    await asyncio.sleep(0.01)

        writers = [asyncio.create_task(write(number)) for number in range(2)]
        await reach(20)
        await asyncio.to_thread(own_server.kill)
        with pytest.raises(DatabaseUnavailableError):
            await db.check()
        await asyncio.to_thread(own_server.start)
        await reach(len(acknowledged) + 20)
        stop.set()
        await asyncio.gather(*writers)
        found = await names(db)
        assert len(found) == len(set(found))
        assert acknowledged <= set(found) <= acknowledged | unknown


async def test_idle_connections_are_replaced(own_server: PostgresServer) -> None:
    """After a restart the first unit of work works: a connection that the server has forgotten is not handed out."""
    async with Database.opened(options(own_server.url())) as db:
        async with db.transaction() as one, db.transaction() as two:
            await one.execute(text("SELECT 1"))
            await two.execute(text("SELECT 1"))
        await asyncio.to_thread(own_server.stop)
        await asyncio.to_thread(own_server.start)
        async with db.reading() as one, db.reading() as two:
            assert await one.scalar(select(func.count()).select_from(text("pg_database"))) == 3
            assert await two.scalar(text("SELECT 1")) == 1
