"""Runs migrations on one connection, alone among all processes, all of them or none."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import NullPool

from ._backend import NO_LIMIT, Backend
from ._errors import DatabaseError, MigrationError
from ._observation import Observation
from ._settings import DatabaseOptions

# Alembic's `op` is one for the whole process.
_ALONE: Final = threading.Lock()
_LOCK_KEY: Final = "hashtextextended('maestro-migrations:' || current_database() || ':' || $1, 0)"

Steps = Callable[[tuple[str, ...], MigrationContext], Sequence[RevisionStep]]
"""Tells, from where the database is, which steps to run."""


class Migrating:
    """Runs steps of a script folder on a database. It belongs into a thread with an event loop of its own.

    Args:
        backend: The kind of database.
        options: How it is opened.
        script: The migrations.
        wait: How long others may take who are migrating at the moment.
    """

    def __init__(self, backend: Backend, options: DatabaseOptions, script: ScriptDirectory, *, wait: timedelta) -> None:
        self._backend = backend
        # A migration takes the time that it takes.
        self._options = replace(options, lock_timeout=wait, statement_timeout=NO_LIMIT)
        self._script = script
        self._running: str | None = None

    async def run(self, steps: Steps) -> tuple[str, ...]:
        """Run what `steps` says.

        Args:
            steps: Asked while nobody else migrates.

        Returns:
            The revisions that were run, in order.

        Raises:
            MigrationError: One failed; the database is as it was.
            DatabaseBusyError: Others migrated for too long.
        """
        with _ALONE:
            engine = self._engine()
            try:
                if self._backend.kind == "postgresql":
                    await self._make_schema(engine)
                    await engine.dispose()
                    engine = self._engine()
                async with engine.connect() as connection:
                    await self._lock(connection)
                    ran = await connection.run_sync(self._migrate, steps)
                    await connection.commit()
                    return ran
            except MigrationError:
                raise
            except Exception as error:
                raise self._failure(error) from error
            finally:
                await engine.dispose()

    def _engine(self) -> AsyncEngine:
        engine = self._backend.engine(self._options, poolclass=NullPool)
        Observation(self._backend, self._options.url, metrics=None, slow_query=NO_LIMIT).attach(engine.sync_engine)
        if self._backend.kind == "sqlite":
            # A table that is rebuilt is dropped for a moment; the references are checked at the end.
            event.listen(engine.sync_engine, "connect", _without_foreign_keys)
        return engine

    async def _make_schema(self, engine: AsyncEngine) -> None:
        if (schema := self._options.schema) is None:
            return
        async with engine.connect() as connection:
            await self._lock(connection)
            await connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            await connection.commit()

    async def _lock(self, connection: AsyncConnection) -> None:
        if self._backend.kind == "sqlite":
            return  # its transaction begins with the file's write lock
        # Of the session and not of the transaction: a migration may commit in between. The server gives it back when we are gone.
        await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK_KEY})", (self._options.schema or "",))
        await connection.commit()

    def _migrate(self, connection: Connection, steps: Steps) -> tuple[str, ...]:
        ran: list[str] = []

        def followed(heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
            for step in steps(heads, context):
                self._running = step.info.up_revision_id or ""
                yield step
                ran.append(self._running)

        environment = EnvironmentContext(Config(), self._script, fn=followed)
        with environment:
            environment.configure(connection=connection, transactional_ddl=True, fn=followed)
            with environment.begin_transaction():
                environment.run_migrations()
                self._running = None
                self._check_references(connection)
        return tuple(ran)

    def _check_references(self, connection: Connection) -> None:
        if self._backend.kind != "sqlite":
            return
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise MigrationError(
                f"after the migrations rows of {broken[0]} would refer to rows of {broken[2]} that are not there; the database "
                "is as it was before"
            )

    def _failure(self, error: Exception) -> DatabaseError:
        if self._running is None:
            return (
                error
                if isinstance(error, DatabaseError)
                else MigrationError(f"cannot migrate {self._options.url}: {error}")
            )
        return MigrationError(
            f"migration {self._running} failed on {self._options.url} ({_reason(error)}); the database is as it was before: "
            "mend the migration, and start again"
        )


def _without_foreign_keys(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.close()


def _reason(error: Exception) -> str:
    original = getattr(error, "orig", None)
    return str(original or error).splitlines()[0] if str(original or error) else type(error).__name__
