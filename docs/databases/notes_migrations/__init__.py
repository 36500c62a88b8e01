"""The migrations of notes-service."""

from notes_models import NotesBase

metadata = NotesBase.metadata  # what `maestro db check` compares the tables with

__all__ = ["metadata"]
