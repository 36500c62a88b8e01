"""Tables that the conformance suite works with."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from maestro_core_db import AutoId, Base, Database, Versioned, new_metadata


class NotesBase(Base):
    __abstract__ = True
    metadata = new_metadata()


class Folder(NotesBase):
    __tablename__ = "folders"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(AutoId, primary_key=True)
    name: Mapped[str]


class Note(Versioned, NotesBase):
    __tablename__ = "notes"
    __table_args__ = (CheckConstraint("size >= 0", name="size"),)

    id: Mapped[int] = mapped_column(AutoId, primary_key=True)
    folder_id: Mapped[int | None] = mapped_column(ForeignKey("folders.id"))
    text: Mapped[str]
    size: Mapped[int] = mapped_column(default=0)
    written_at: Mapped[datetime | None]


async def make_tables(db: Database) -> None:
    async with db.transaction() as session:
        await (await session.connection()).run_sync(NotesBase.metadata.create_all)
        await session.commit()


async def store(db: Database, *records: NotesBase) -> None:
    """Add records in a unit of work of their own."""
    async with db.transaction() as session:
        session.add_all(records)
        await session.commit()


async def run(db: Database, statement: str) -> None:
    """Run a statement in a unit of work of its own."""
    async with db.transaction() as session:
        await session.execute(text(statement))
        await session.commit()
