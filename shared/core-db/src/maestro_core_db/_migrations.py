"""The migrations of a service: an Alembic script folder that comes as a package."""

import asyncio
import importlib
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData

from maestro_core_logging import get_logger

from ._database import Database
from ._errors import MigrationError, SchemaNewerError, SchemaOutdatedError
from ._migrating import Migrating, Steps
from ._revision import MigrationState, Revision

ENTRY_POINT_GROUP: Final = "maestro.migrations"
_WAIT: Final = timedelta(minutes=5)
_logger = get_logger(__name__)


class Migrations:
    """The migrations of a service.

    Args:
        package: The package, or its name. Its folder `versions` holds Alembic's scripts; its attribute `metadata`, when it
            has one, is what the models say, for `differences`.

    Raises:
        MigrationError: There is no such package, or it has no `versions`, or its scripts do not form one line.
    """

    def __init__(self, package: str | ModuleType) -> None:
        module = _imported(package)
        folder = Path(module.__file__ or "").parent
        if not (folder / "versions").is_dir():
            raise MigrationError(
                f"{module.__name__} has no folder `versions` with migrations: make {folder / 'versions'}"
            )
        self._name = module.__name__
        metadata = getattr(module, "metadata", None)
        self._metadata = metadata if isinstance(metadata, MetaData) else None
        self._script = ScriptDirectory(folder, version_locations=[str(folder / "versions")])
        try:
            heads = self._script.get_heads()
        except CommandError as error:
            raise MigrationError(f"the migrations in {self._name} cannot be used: {error}") from error
        if len(heads) > 1:
            raise MigrationError(
                f"the migrations in {self._name} have {len(heads)} ends ({', '.join(sorted(heads))}): let one follow the other"
            )
        self._head = heads[0] if heads else None

    @classmethod
    def of_service(cls, service_name: str) -> "Migrations":
        """Find the migrations of an installed service, by the entry point group `maestro.migrations`.

        Args:
            service_name: The service.

        Raises:
            MigrationError: It has none; the message names those that have.
        """
        points = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
        if service_name not in points:
            known = ", ".join(sorted(points)) or "none"
            raise MigrationError(f"no migrations of {service_name} are installed; there are: {known}")
        return cls(points[service_name].value)

    @property
    def head(self) -> str | None:
        """The newest revision; None when there are no migrations."""
        return self._head

    def history(self) -> tuple[Revision, ...]:
        """List all migrations, the first one first."""
        return tuple(reversed([Revision.of(script) for script in self._script.walk_revisions()]))

    async def upgrade(self, db: Database, revision: str = "head", *, wait: timedelta = _WAIT) -> tuple[str, ...]:
        """Bring a database up to date. Several processes may do so at once: one migrates, the others wait and find it done.

        Args:
            db: The database.
            revision: How far.
            wait: How long to wait for another process that migrates.

        Returns:
            The revisions that were run, in order; empty when there was nothing to do.

        Raises:
            SchemaNewerError: The database is of a newer version of the code; nothing was changed.
            MigrationError: A migration failed; the database is as it was before.
            DatabaseError: The database cannot be used.
        """
        if self._head is None or (revision == "head" and (await self.state(db)).is_current):
            return ()

        def steps(heads: tuple[str, ...], context: MigrationContext) -> Sequence[RevisionStep]:
            self._refuse_unknown(heads, db)
            return self._script._upgrade_revs(revision, heads)  # type: ignore[arg-type]  # noqa: SLF001 - as Alembic's own command does

        return await self._run(db, steps, wait, "Database upgraded")

    async def downgrade(self, db: Database, revision: str, *, wait: timedelta = _WAIT) -> tuple[str, ...]:
        """Take migrations back.

        Args:
            db: The database.
            revision: How far: a revision, `-1` for the last one, `base` for all.
            wait: How long to wait for another process that migrates.

        Returns:
            The revisions that were taken back, in order.

        Raises:
            SchemaNewerError: The database is of a newer version of the code; nothing was changed.
            MigrationError: A migration failed; the database is as it was before.
            DatabaseError: The database cannot be used.
        """

        def steps(heads: tuple[str, ...], context: MigrationContext) -> Sequence[RevisionStep]:
            self._refuse_unknown(heads, db)
            return self._script._downgrade_revs(revision, heads)  # type: ignore[arg-type]  # noqa: SLF001 - as above

        return await self._run(db, steps, wait, "Database downgraded")

    async def state(self, db: Database) -> MigrationState:
        """Look where a database is; nothing is changed.

        Args:
            db: The database.

        Raises:
            DatabaseError: It cannot be read.
        """
        async with db.reading() as session:
            connection = await session.connection()
            current = await connection.run_sync(_current)
        if current is not None and current not in {each.revision for each in self.history()}:
            return MigrationState(current, self._head, (), is_newer=True)
        done = set() if current is None else {each.revision for each in self._script.iterate_revisions(current, "base")}
        pending = tuple(each for each in self.history() if each.revision not in done)
        return MigrationState(current, self._head, pending, is_newer=False)

    async def require_current(self, db: Database) -> None:
        """Refuse a database that this code cannot work with.

        Args:
            db: The database.

        Raises:
            SchemaOutdatedError: It lacks migrations.
            SchemaNewerError: It is of a newer version of the code.
            DatabaseError: It cannot be read.
        """
        state = await self.state(db)
        if state.is_newer:
            self._refuse_unknown((state.current or "",), db)
        if state.pending:
            raise SchemaOutdatedError(
                f"{db.options.url} lacks {len(state.pending)} migrations, up to {state.head}: run `maestro db upgrade`",
                current=state.current,
                head=state.head or "",
            )

    async def differences(self, db: Database) -> tuple[str, ...]:
        """Compare the models with the tables that are there.

        Args:
            db: The database, up to date.

        Returns:
            What a further migration would have to do, in words; empty when they agree, or the package names no `metadata`.

        Raises:
            DatabaseError: It cannot be read.
        """
        metadata = self._metadata
        if metadata is None:
            return ()

        def compared(connection: Connection) -> tuple[str, ...]:
            context = MigrationContext.configure(connection)
            return tuple(_words(change) for change in _flat(compare_metadata(context, metadata)))

        async with db.reading() as session:
            return await (await session.connection()).run_sync(compared)

    async def _run(self, db: Database, steps: Steps, wait: timedelta, event: str) -> tuple[str, ...]:
        migrating = Migrating(db.backend, db.options, self._script, wait=wait)

        def run() -> tuple[str, ...]:
            return asyncio.run(migrating.run(steps))

        try:
            # In a thread of its own: a script works without await, and requests go on meanwhile.
            ran = await asyncio.to_thread(run)
        except CommandError as error:
            raise MigrationError(f"the migrations in {self._name} cannot be run: {error}") from error
        if ran:
            _logger.info(event, database=str(db.options.url), revisions=list(ran))
        return ran

    def _refuse_unknown(self, heads: Sequence[str], db: Database) -> None:
        known = {each.revision for each in self.history()}
        for current in heads:
            if current not in known:
                raise SchemaNewerError(
                    f"{db.options.url} is at revision {current}, which this version of the code does not know (its newest is "
                    f"{self._head}): run the newer version, or downgrade the database with it",
                    current=current,
                    head=self._head or "",
                )


def _imported(package: str | ModuleType) -> ModuleType:
    if isinstance(package, ModuleType):
        return package
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise MigrationError(f"there is no package {package} with migrations: {error}") from error


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _flat(changes: Any) -> list[Any]:
    return [part for change in changes for part in (change if isinstance(change, list) else [change])]


def _words(change: tuple[Any, ...]) -> str:
    kind = str(change[0]).replace("_", " ")
    if kind.startswith("modify"):
        return f"{kind} of {change[2]}.{change[3]}"
    subject = change[-1]
    table = getattr(getattr(subject, "table", None), "name", None)
    name = getattr(subject, "name", None) or type(subject).__name__
    return f"{kind} {name}" if table in {None, name} else f"{kind} {table}.{name}"
