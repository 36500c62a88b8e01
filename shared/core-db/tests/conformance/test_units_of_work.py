import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from notes import Folder, Note, run, store
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError

from maestro_core_db import (
    ConstraintViolatedError,
    Database,
    DatabaseError,
    DatabaseReadOnlyError,
    RetryPolicy,
    StaleRecordError,
    TransactionConflictError,
)


async def count(db: Database, model: type = Folder) -> int:
    async with db.reading() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_what_is_committed_stays(notes: Database) -> None:
    """After a commit, others see the change; objects can be read after the block."""
    async with notes.transaction() as session:
        folder = Folder(name="letters")
        session.add(folder)
        await session.commit()
    assert folder.id == 1
    assert await count(notes) == 1


async def test_what_is_not_committed_is_rolled_back(notes: Database) -> None:
    """Leaving the block without a commit undoes everything, also what was flushed."""
    async with notes.transaction() as session:
        session.add(Folder(name="letters"))
        await session.flush()
        assert await session.scalar(select(func.count()).select_from(Folder)) == 1
    assert await count(notes) == 0


async def test_an_exception_rolls_back(notes: Database) -> None:
    """An exception undoes what was not committed before it, and reaches the caller as it is."""

    async def work() -> None:
        async with notes.transaction() as session:
            session.add(Folder(name="kept"))
            await session.commit()
            session.add(Folder(name="lost"))
            await session.flush()
            raise LookupError("order-17")

    with pytest.raises(LookupError, match="order-17"):
        await work()
    async with notes.reading() as session:
        assert (await session.scalars(select(Folder.name))).all() == ["kept"]


async def test_cancelling_rolls_back_and_lets_others_go_on(notes: Database) -> None:
    """A unit of work that is cancelled in the middle is undone, and its lock and connection are free again."""
    began = asyncio.Event()

    async def work() -> None:
        async with notes.transaction() as session:
            session.add(Folder(name="lost"))
            await session.flush()
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store(notes, Folder(name="kept"))
    assert await count(notes) == 1


async def test_a_savepoint_undoes_its_part(notes: Database) -> None:
    """A broken rule inside a savepoint undoes the savepoint; the rest can be committed."""
    async with notes.transaction() as session:
        session.add(Folder(name="letters"))
        await session.flush()
        savepoint = await session.begin_nested()
        session.add(Folder(name="letters"))
        with pytest.raises(ConstraintViolatedError):
            await session.flush()
        await savepoint.rollback()
        session.add(Folder(name="others"))
        await session.commit()
    assert await count(notes) == 2


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("INSERT INTO folders (name) VALUES ('letters')", "unique"),
        ("INSERT INTO notes (text, size, version, folder_id) VALUES ('a', 1, 1, 99)", "foreign_key"),
        ("INSERT INTO notes (text, size, version) VALUES (NULL, 1, 1)", "not_null"),
        ("INSERT INTO notes (text, size, version) VALUES ('a', -1, 1)", "check"),
    ],
)
async def test_broken_rules_are_told_apart(notes: Database, statement: str, kind: str) -> None:
    """Every kind of rule has its name, and the message does not repeat the row's values."""
    await store(notes, Folder(name="letters"))
    with pytest.raises(ConstraintViolatedError) as caught:
        await run(notes, statement)
    assert caught.value.kind == kind
    assert "letters" not in str(caught.value)
    if kind == "unique":
        assert caught.value.constraint in {"folders.name", "uq_folders_name"}


async def test_reading_refuses_changes(notes: Database) -> None:
    """What only reads cannot change anything, and the connection can write again afterwards."""
    async with notes.reading() as session:
        session.add(Folder(name="letters"))
        with pytest.raises(DatabaseReadOnlyError, match="transaction"):
            await session.flush()
    for number in range(3):
        await store(notes, Folder(name=f"letters-{number}"))
    assert await count(notes) == 3


async def test_reading_does_not_wait_for_a_writer(notes: Database) -> None:
    """While a unit of work is under way, others read what was committed before it."""
    async with notes.transaction() as session:
        session.add(Folder(name="letters"))
        await session.flush()
        assert await count(notes) == 0
        await session.commit()
    assert await count(notes) == 1


async def test_a_statement_that_is_wrong_stays_sqlalchemy_s(notes: Database) -> None:
    """A mistake in a statement is SQLAlchemy's error, which says it best."""
    with pytest.raises(DBAPIError):
        async with notes.transaction() as session:
            await session.execute(text("SELECT nothing FROM nowhere"))


async def test_times_come_back_aware_and_in_utc(notes: Database) -> None:
    """A time of any zone comes back as the same moment in UTC, to the microsecond; one without a zone is refused."""
    moment = datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))
    await store(notes, Note(text="a", written_at=moment))
    async with notes.reading() as session:
        found = await session.scalar(select(Note.written_at))
    assert found == moment
    assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="without a zone"):
        await store(notes, Note(text="a", written_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - what is refused


async def test_a_stale_record_is_refused(notes: Database) -> None:
    """Of two changes to the same version of a record, the second one fails, and changes nothing."""
    await store(notes, Note(id=1, text="first"))
    async with notes.reading() as session:
        mine = await session.get_one(Note, 1)
    async with notes.transaction() as session:
        (await session.get_one(Note, 1)).text = "theirs"
        await session.commit()
    mine.text = "mine"
    with pytest.raises(StaleRecordError) as caught:
        await store(notes, mine)
    assert caught.value.code == "STALE_RECORD"
    async with notes.reading() as session:
        note = await session.get_one(Note, 1)
    assert (note.text, note.version) == ("theirs", 2)


async def test_no_increment_is_lost(notes: Database) -> None:
    """Many who read a number and write it back, each again when somebody was in between, count every one of them."""
    await store(notes, Note(id=1, text="count", size=0))

    async def add_one(session) -> None:
        size = await session.scalar(select(Note.size).where(Note.id == 1))
        await asyncio.sleep(0)
        await session.execute(update(Note).where(Note.id == 1).values(size=size + 1))
        await session.commit()

    policy = RetryPolicy(max_attempts=200, budget=timedelta(seconds=60))
    await asyncio.gather(*(notes.retrying(add_one, policy=policy, isolation="serializable") for _ in range(20)))
    async with notes.reading() as session:
        assert await session.scalar(select(Note.size)) == 20


async def test_retrying_ends_with_its_attempts(notes: Database) -> None:
    """After the last attempt the error reaches the caller; every attempt has a session of its own."""
    sessions = []

    async def work(session) -> None:
        sessions.append(session)
        raise TransactionConflictError("again and again")

    with pytest.raises(TransactionConflictError, match="again and again"):
        await notes.retrying(work, policy=RetryPolicy(max_attempts=3, initial_delay=timedelta(0)))
    assert len({id(session) for session in sessions}) == 3


async def test_what_cannot_be_helped_is_not_tried_again(notes: Database) -> None:
    """A broken rule is not tried again."""
    attempts = []

    async def work(session) -> None:
        attempts.append(session)
        session.add_all([Folder(name="same"), Folder(name="same")])
        await session.commit()

    with pytest.raises(ConstraintViolatedError):
        await notes.retrying(work)
    assert len(attempts) == 1


async def test_use_before_opening_is_told(notes: Database) -> None:
    """A database that is not open says how it is opened."""
    closed = Database(notes.options)
    with pytest.raises(DatabaseError, match="async with"):
        await closed.check()
