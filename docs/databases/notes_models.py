"""The tables of notes-service."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from maestro_core_db import AutoId, Base, Versioned, new_metadata, outbox_table


# region: models
class NotesBase(Base):
    """Base of this service's tables."""

    __abstract__ = True
    metadata = new_metadata()


class Note(Versioned, NotesBase):
    """A note; `version` counts its changes."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(AutoId, primary_key=True)
    text: Mapped[str]
    written_at: Mapped[datetime]  # aware, kept in UTC


outbox_table(NotesBase.metadata)
# endregion: models
