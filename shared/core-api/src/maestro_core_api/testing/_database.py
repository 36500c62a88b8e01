"""A database that a test may do with as it likes."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class TemporaryDatabase(Protocol):
    """A database that tests may do with as they like; those of `maestro_core_db.testing` are."""

    @property
    def url(self) -> str:
        """Its SQLAlchemy-style URL."""

    def empty(self) -> None:
        """Delete the rows of all tables; the tables themselves stay."""


@dataclass(frozen=True, slots=True)
class ScratchDatabase:
    """A SQLite file."""

    path: Path
    """The file."""

    @property
    def url(self) -> str:
        """Its SQLAlchemy-style URL."""
        return f"sqlite:///{self.path}"

    def empty(self) -> None:
        """Delete the rows of all tables; the tables themselves stay, and what migrations note of themselves."""
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            connection.execute("PRAGMA defer_foreign_keys = ON")
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                " AND name <> 'alembic_version'"
            )
            for (name,) in names.fetchall():
                quoted = name.replace('"', '""')
                connection.execute(f'DELETE FROM "{quoted}"')  # noqa: S608 - the database's own table name, quoted


@contextmanager
def scratch_database() -> Iterator[ScratchDatabase]:
    """Make an empty database, removed after the block.

    Yields:
        The database.
    """
    with tempfile.TemporaryDirectory(prefix="maestro-test-") as folder:
        path = Path(folder) / "test.db"
        path.touch()
        yield ScratchDatabase(path)
