"""Examples in the service's database."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from intelligence_service.domain.errors import ExampleChangedError, ExampleNotFoundError, LearningFullError
from intelligence_service.domain.learning import digest
from intelligence_service.learning.domain import Example, Listing, NewExample, Partition, Position, Taught
from intelligence_service.tables import ExampleRow, LearnedRow
from maestro_core_db import Database


class SqlExampleStore:
    """Keeps examples in a database. Implements `ExampleStore`.

    Args:
        db: The database, migrated.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def teach(
        self, partition: Partition, examples: Sequence[NewExample], *, most: int, most_personas: int
    ) -> list[Taught]:
        """See `ExampleStore.teach`."""

        async def work(session: AsyncSession) -> list[Taught]:
            state = await self._locked(session, partition, most_personas)
            state.revision += 1
            taught = [await _kept(session, partition, example, state) for example in examples]
            if state.examples > most:
                raise LearningFullError(
                    f"{partition.persona} holds {state.examples - sum(each.is_new for each in taught)} of at most {most} "
                    "examples; forget some first, or raise learning_max_examples"
                )
            await session.commit()
            return taught

        return await self._db.retrying(work)

    async def correct(
        self, partition: Partition, example_id: str, label: str, *, version: int | None, taught_by: str
    ) -> Example:
        """See `ExampleStore.correct`."""

        async def work(session: AsyncSession) -> Example:
            state = await self._locked(session, partition, None)
            row = await _found(session, partition, example_id)
            if version is not None and row.version != version:
                raise ExampleChangedError(
                    f"{example_id} has version {row.version}, not {version}: read it again and decide anew"
                )
            state.revision += 1
            state.removals += 1
            row.label, row.taught_by = label, taught_by
            row.updated_at, row.revision = datetime.now(UTC), state.revision
            await session.commit()
            return _example(row)

        return await self._db.retrying(work)

    async def forget(self, partition: Partition, *, example_id: str | None = None, label: str | None = None) -> int:
        """See `ExampleStore.forget`."""
        wanted = [*_in(partition)]
        if example_id is not None:
            wanted.append(ExampleRow.id == example_id)
        if label is not None:
            wanted.append(ExampleRow.label == label)

        async def work(session: AsyncSession) -> int:
            state = await session.get(LearnedRow, (partition.tenant, partition.persona), with_for_update=True)
            if state is None:
                return 0
            gone = (
                await session.execute(
                    delete(ExampleRow)
                    .where(*wanted)
                    .returning(ExampleRow.id)
                    .execution_options(synchronize_session=False)
                )
            ).all()
            if gone:
                state.revision += 1
                state.removals += 1
                state.examples -= len(gone)
            await session.commit()
            return len(gone)

        return await self._db.retrying(work)

    async def get(self, partition: Partition, example_id: str) -> Example:
        """See `ExampleStore.get`."""
        async with self._db.reading() as session:
            return _example(await _found(session, partition, example_id))

    async def page(
        self, partition: Partition, *, label: str | None, text: str | None, limit: int, cursor: str | None
    ) -> Listing:
        """See `ExampleStore.page`."""
        wanted = [*_in(partition)]
        if label is not None:
            wanted.append(ExampleRow.label == label)
        if text is not None:
            wanted.append(ExampleRow.question.icontains(text, autoescape=True))
        if cursor is not None:
            wanted.append(_after(cursor))
        rows = select(ExampleRow).where(*wanted).order_by(ExampleRow.revision.desc(), ExampleRow.id).limit(limit + 1)
        async with self._db.reading() as session:
            found = list(await session.scalars(rows))
        following = f"{found[limit - 1].revision}.{found[limit - 1].id}" if len(found) > limit else None
        return Listing(tuple(_example(row) for row in found[:limit]), following)

    async def labels(self, partition: Partition) -> dict[str, int]:
        """See `ExampleStore.labels`."""
        counted = (
            select(ExampleRow.label, func.count())
            .where(*_in(partition))
            .group_by(ExampleRow.label)
            .order_by(ExampleRow.label)
        )
        async with self._db.reading() as session:
            return {row[0]: row[1] for row in await session.execute(counted)}

    async def personas(self, tenant: str) -> dict[str, Position]:
        """See `ExampleStore.personas`."""
        rows = select(LearnedRow).where(*_taught_by(tenant)).order_by(LearnedRow.persona)
        async with self._db.reading() as session:
            return {row.persona: _position(row) for row in await session.scalars(rows)}

    async def position(self, partition: Partition) -> Position:
        """See `ExampleStore.position`."""
        async with self._db.reading() as session:
            return _position(await session.get(LearnedRow, (partition.tenant, partition.persona)))

    async def changes(self, partition: Partition, after: int) -> tuple[Position, list[Example]]:
        """See `ExampleStore.changes`."""
        rows = (
            select(ExampleRow)
            .where(*_in(partition), ExampleRow.revision > after)
            .order_by(ExampleRow.revision, ExampleRow.id)
        )
        async with self._db.reading(isolation="repeatable read") as session:
            position = _position(await session.get(LearnedRow, (partition.tenant, partition.persona)))
            return position, [_example(row) for row in await session.scalars(rows)]

    async def _locked(self, session: AsyncSession, partition: Partition, most_personas: int | None) -> LearnedRow:
        key = (partition.tenant, partition.persona)
        state = await session.get(LearnedRow, key, with_for_update=True)
        if state is not None and (state.examples or most_personas is None):
            return state
        if most_personas is not None:
            taught = select(func.count()).select_from(LearnedRow).where(*_taught_by(partition.tenant))
            if (await session.scalar(taught) or 0) >= most_personas:
                raise LearningFullError(
                    f"this tenant teaches {most_personas} personas, which is the most; forget one first"
                )
        if state is not None:
            return state
        values = {"tenant": key[0], "persona": key[1], "revision": 0, "removals": 0, "examples": 0}
        insert = sqlite.insert if self._db.kind == "sqlite" else postgresql.insert
        await session.execute(insert(LearnedRow).values(values).on_conflict_do_nothing())
        made = await session.get(LearnedRow, key, with_for_update=True)
        assert made is not None, "the row was made before"
        return made


async def _kept(session: AsyncSession, partition: Partition, example: NewExample, state: LearnedRow) -> Taught:
    now = datetime.now(UTC)
    named = digest(example.question)
    row = await session.scalar(select(ExampleRow).where(*_in(partition), ExampleRow.question_hash == named))
    if row is None:
        row = ExampleRow(
            id=uuid.uuid4().hex,
            tenant=partition.tenant,
            persona=partition.persona,
            question_hash=named,
            question=example.question,
            created_at=now,
        )
        is_new = True
        session.add(row)
        state.examples += 1
    else:
        is_new = False
        if row.label != example.label:
            # Whoever holds the old answer in memory must let go of it.
            state.removals += 1
    row.label, row.taught_by, row.encoder = example.label, example.taught_by, example.encoder
    row.vector = np.asarray(example.vector, "<f4").tobytes()
    row.updated_at, row.revision = now, state.revision
    await session.flush()
    return Taught(row.id, is_new, row.version)


async def _found(session: AsyncSession, partition: Partition, example_id: str) -> ExampleRow:
    row = await session.scalar(select(ExampleRow).where(*_in(partition), ExampleRow.id == example_id))
    if row is None:
        raise ExampleNotFoundError(f"{partition.persona} was not taught an example {example_id!r}")
    return row


def _in(partition: Partition) -> tuple[ColumnElement[bool], ...]:
    return (ExampleRow.tenant == partition.tenant, ExampleRow.persona == partition.persona)


def _taught_by(tenant: str) -> tuple[ColumnElement[bool], ...]:
    # What was forgotten keeps its row, so that its revisions never begin anew; it takes up no place.
    return (LearnedRow.tenant == tenant, LearnedRow.examples > 0)


def _after(cursor: str) -> ColumnElement[bool]:
    revision, _, example_id = cursor.partition(".")
    at = int(revision)
    return (ExampleRow.revision < at) | ((ExampleRow.revision == at) & (ExampleRow.id > example_id))


def _position(row: LearnedRow | None) -> Position:
    return Position() if row is None else Position(row.revision, row.removals, row.examples)


def _example(row: ExampleRow) -> Example:
    return Example(
        id=row.id,
        question=row.question,
        label=row.label,
        vector=np.frombuffer(row.vector, "<f4").astype(np.float32),
        encoder=row.encoder,
        taught_by=row.taught_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )
