"""Databases that are gone after the block."""

import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final, Protocol

from ._postgres_server import PostgresServer
from ._templates import postgres_template, sqlite_template

_NUMBERS: Final = itertools.count(1)
_KEPT_TABLES: Final = "alembic_version"
_TABLES: Final = f"""
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> '{_KEPT_TABLES}'
"""  # noqa: S608 - a constant


class TemporaryDatabase(Protocol):
    """A database that a test may do with as it likes."""

    @property
    def url(self) -> str:
        """Its URL, for `Database.opened`."""

    def empty(self) -> None:
        """Delete the rows of all tables; the tables themselves, and their revision, stay."""


class _SqliteFile:
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def empty(self) -> None:
        """See `TemporaryDatabase.empty`."""
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> ?",
                (_KEPT_TABLES,),
            )
            for (name,) in names.fetchall():
                quoted = name.replace('"', '""')
                connection.execute(f'DELETE FROM "{quoted}"')  # noqa: S608 - the database's own table name, quoted


class _PostgresDatabase:
    """A database of a PostgreSQL server."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self._server = server
        self._name = name
        self.url = server.url(name)

    def empty(self) -> None:
        """See `TemporaryDatabase.empty`."""
        tables = self._server.run(_TABLES, database=self._name).splitlines()
        if tables:
            self._server.run(f"TRUNCATE {', '.join(tables)} CASCADE", database=self._name)


@contextmanager
def temporary_sqlite(migrations: str | None = None) -> Iterator[TemporaryDatabase]:
    """Make a SQLite file, removed after the block.

    Args:
        migrations: The package of a service's migrations, whose tables the database has; None for an empty one.

    Yields:
        The database.
    """
    with tempfile.TemporaryDirectory(prefix="maestro-sqlite-") as folder:
        path = Path(folder) / "test.db"
        path.write_bytes(b"" if migrations is None else sqlite_template(migrations))
        yield _SqliteFile(path)


@contextmanager
def temporary_postgres(
    server: PostgresServer | None = None, migrations: str | None = None
) -> Iterator[TemporaryDatabase]:
    """Make a PostgreSQL database, removed after the block.

    Args:
        server: Where; None starts a server for it, which takes about two seconds.
        migrations: The package of a service's migrations, whose tables the database has; None for an empty one.

    Yields:
        The database.
    """
    used: AbstractContextManager[PostgresServer] = PostgresServer.running() if server is None else nullcontext(server)
    with used as running:
        name = f"test_{next(_NUMBERS)}"
        template = "" if migrations is None else f' TEMPLATE "{postgres_template(running, migrations)}"'
        running.run(f'CREATE DATABASE "{name}"{template}')
        try:
            yield _PostgresDatabase(running, name)
        finally:
            running.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
