"""A service with a database: notes, and events that tell of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypedDict

import notes_migrations
from fastapi import Request
from notes_models import Note
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_api import APIConfig, MaestroAPI, NotFoundException, PreconditionFailedException
from maestro_core_config import BaseConfig
from maestro_core_db import Database, DatabaseSettings, Migrations, Outbox, StaleRecordError
from maestro_core_messaging import EventType, new_event, write_event


class State(TypedDict):
    """What requests find in `request.state`."""

    notes: "NoteStore"


# region: opening
class NotesServiceConfig(DatabaseSettings, BaseConfig):
    """Configuration of notes-service."""


def create_app(config: NotesServiceConfig) -> MaestroAPI:
    """Build the service."""

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[State]:
        async with Database.opened(config, metrics=app.metrics) as db:
            await Migrations(notes_migrations).upgrade(db)
            app.health.add("database", db.check)
            yield State(notes=NoteStore(db))

    app = MaestroAPI(APIConfig.from_config(config, title="Notes API", version="1.0.0"), lifespan=lifespan)
    # endregion: opening

    @app.post("/notes", status_code=201)
    async def write(request: Request, text: str) -> dict[str, int]:
        return {"id": await request.state.notes.write(text)}

    @app.put("/notes/{note_id}")
    async def correct(request: Request, note_id: int, text: str, version: int) -> dict[str, int]:
        try:
            return {"version": await request.state.notes.correct(note_id, text, version)}
        except StaleRecordError as error:
            raise PreconditionFailedException(detail=str(error)) from error

    @app.get("/notes")
    async def notes(request: Request) -> dict[str, list[str]]:
        return {"notes": await request.state.notes.all()}

    return app


# region: event
class NoteWritten(BaseModel):
    """Somebody has written a note."""

    note_id: int


WRITTEN = EventType("notes-service.note.written", 1, NoteWritten)
# endregion: event


class NoteStore:
    """Keeps notes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._outbox = Outbox(db)

    # region: writing
    async def write(self, text: str) -> int:
        """Keep a note, and owe the event that tells of it."""

        async def work(session: AsyncSession) -> int:
            note = Note(text=text, written_at=datetime.now(UTC))
            session.add(note)
            await session.flush()
            event = new_event(WRITTEN, NoteWritten(note_id=note.id), key=str(note.id))
            await self._outbox.add(session, write_event(event).decode(), event.type, key=event.key)
            await session.commit()
            return note.id

        return await self._db.retrying(work)

    # endregion: writing
    async def correct(self, note_id: int, text: str, version: int) -> int:
        """Change a note that the caller has seen in this version."""
        async with self._db.transaction() as session:
            note = await session.get(Note, note_id)
            if note is None:
                raise NotFoundException(detail=f"there is no note {note_id}")
            if note.version != version:
                raise StaleRecordError(f"the note is at version {note.version} by now; read it again")
            note.text = text
            await session.commit()  # raises StaleRecordError when somebody was faster
            return note.version

    async def all(self) -> list[str]:
        """List the texts."""
        async with self._db.reading() as session:
            return list(await session.scalars(select(Note.text).order_by(Note.id)))
