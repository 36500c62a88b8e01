"""The database of a service: open it, and do units of work in it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector

from ._backend import Backend, Isolation
from ._errors import DatabaseBusyError, DatabaseError, DatabaseSettingsError
from ._metrics import DatabaseMetrics
from ._observation import Observation
from ._pool import measured
from ._postgres import Postgres
from ._retrying import RetryPolicy
from ._session import COMMITTED, UnitOfWorkSession
from ._settings import DatabaseOptions, DatabaseSettings
from ._sqlite import Sqlite
from ._url import DatabaseKind, parse_url, sqlite_url

_logger = get_logger(__name__)
_T = TypeVar("_T")
_BACKENDS: Final[dict[DatabaseKind, type[Backend]]] = {"sqlite": Sqlite, "postgresql": Postgres}
_DEFAULT_POLICY: Final = RetryPolicy()


class Database:
    """A database. Use `opened`.

    Args:
        options: How it is opened.
        metrics: Where it is measured; nowhere when None.
    """

    def __init__(self, options: DatabaseOptions, *, metrics: MetricsCollector | None = None) -> None:
        self.options = options
        self.backend = _BACKENDS[options.url.kind]()
        self._metrics = None if metrics is None else DatabaseMetrics(metrics, options.url.kind)
        self._engine: AsyncEngine | None = None
        self._writing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        settings: "DatabaseSettings | DatabaseOptions | str | Path",
        *,
        metrics: MetricsCollector | None = None,
        service_name: str | None = None,
    ) -> AsyncIterator["Database"]:
        """Open a database while a block runs.

        Args:
            settings: A service's configuration, options, a URL, or the path of a SQLite file.
            metrics: Where pool and statements are measured; nowhere when None.
            service_name: Names the PostgreSQL schema where a URL alone is given: `orders-service` has `orders_service`.

        Yields:
            The database; it has been reached. A SQLite file, and its folder, are made when they are not there.

        Raises:
            DatabaseError: It cannot be used; the message names it and says what to do.
        """
        database = cls(_options(settings, service_name), metrics=metrics)
        database._engine = database._make_engine()
        try:
            await database._reach()
            yield database
        finally:
            await database._close()

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, for what this class has no word for.

        Raises:
            DatabaseError: The database is not open.
        """
        if self._engine is None:
            raise DatabaseError("the database is not open: use `async with Database.opened(…) as db`")
        return self._engine

    @property
    def kind(self) -> DatabaseKind:
        """Which database it is."""
        return self.options.url.kind

    @asynccontextmanager
    async def transaction(self, *, isolation: Isolation | None = None) -> AsyncIterator[AsyncSession]:
        """Do a unit of work: what is not committed when the block ends is rolled back.

        On SQLite units of work take turns, from the block's beginning to its end: wait for nothing else inside.

        Args:
            isolation: How far apart it is kept from others; None is the server's default. SQLite's are always serializable.

        Yields:
            A session; call `await session.commit()` at the end. Objects can be read after it.

        Raises:
            DatabaseError: A statement failed in one of the ways this package has words for; anything else is SQLAlchemy's.
        """
        if not self.backend.has_one_writer:
            async with self._session(self.backend.writing(isolation)) as session:
                yield session
            return
        await self._take_turn()
        try:
            async with self._session(self.backend.writing(isolation)) as session:
                yield session
        finally:
            self._writing.release()

    @asynccontextmanager
    async def reading(self, *, isolation: Isolation | None = None) -> AsyncIterator[AsyncSession]:
        """Read, beside others and without holding up who writes; a change is refused.

        Args:
            isolation: `repeatable read` lets all statements see the same state; on SQLite they always do.

        Yields:
            A session.

        Raises:
            DatabaseReadOnlyError: The block tried to change something.
            DatabaseError: As for `transaction`.
        """
        async with self._session(self.backend.reading(isolation), uncommitted="read") as session:
            yield session

    async def retrying(
        self,
        work: Callable[[AsyncSession], Awaitable[_T]],
        *,
        policy: RetryPolicy = _DEFAULT_POLICY,
        isolation: Isolation | None = None,
    ) -> _T:
        """Do a unit of work, and do it again after conflicts, deadlocks, locks and lost connections.

        Args:
            work: Gets a new session for each attempt and commits it. What it does besides must bear being done again.
            policy: How often, and for how long.
            isolation: As for `transaction`.

        Returns:
            What `work` returned.

        Raises:
            DatabaseError: The last attempt's; or one that trying again does not help.
        """
        began, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                async with self.transaction(isolation=isolation) as session:
                    return await work(session)
            except DatabaseError as error:
                delay = policy.delay(attempt)
                left_s = policy.budget.total_seconds() - (time.monotonic() - began)
                if not policy.repeats(error) or attempt >= policy.max_attempts or delay.total_seconds() > left_s:
                    raise
                self._tell_retry(error, attempt, delay)
            await asyncio.sleep(delay.total_seconds())

    async def check(self) -> None:
        """Find out whether the database can be used now; made for a readiness check.

        Raises:
            DatabaseError: It cannot.
        """
        try:
            async with self.engine.execution_options(**self.backend.reading(None)).connect() as connection:
                await self.backend.prove(connection)
        except BaseException:
            self._set_up(is_up=False)
            raise
        self._set_up(is_up=True)

    async def damage(self) -> tuple[str, ...]:
        """Read everything, to find what is damaged; it takes long where there is much.

        Returns:
            What is, in words; empty when nothing is. PostgreSQL watches itself with checksums, and is not read.

        Raises:
            DatabaseError: The database cannot be used.
        """
        if self.kind != "sqlite":
            return ()
        async with self.reading() as session:
            findings = (await session.execute(text("PRAGMA integrity_check(20)"))).scalars().all()
            broken = (await session.execute(text("PRAGMA foreign_key_check"))).all()
        references = tuple(
            f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there" for row in broken[:20]
        )
        return (*(finding for finding in findings if finding != "ok"), *references)

    def _set_up(self, *, is_up: bool) -> None:
        if self._metrics is not None:
            self._metrics.set_up(is_up)

    def _make_engine(self, **engine_options: Any) -> AsyncEngine:
        options = self.options
        engine = self.backend.engine(options, **engine_options)
        Observation(self.backend, options.url, metrics=self._metrics, slow_query=options.slow_query).attach(
            engine.sync_engine
        )
        if self._metrics is not None and not engine_options:
            measured(engine.sync_engine.pool, self._metrics.observe_wait)
            self._metrics.watch(engine.sync_engine.pool, options.pool_size + options.pool_overflow)
        return engine

    async def _reach(self) -> None:
        # Servers and services start side by side, so the server may come a moment later.
        deadline, attempt = time.monotonic() + self.options.connect_timeout.total_seconds(), 0
        while True:
            attempt += 1
            try:
                await self.check()
                return
            except DatabaseError as error:
                delay_s = _DEFAULT_POLICY.delay(attempt).total_seconds()
                if not error.is_transient or time.monotonic() + delay_s > deadline:
                    raise
            await asyncio.sleep(delay_s)

    async def _close(self) -> None:
        engine, self._engine = self.engine, None
        try:
            # The driver waits for the server's goodbye, which a machine that is gone never says.
            async with asyncio.timeout(self.options.connect_timeout.total_seconds()):
                await engine.dispose()
        except TimeoutError:
            _logger.warning("Connections were dropped: the server did not close them", database=str(self.options.url))

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(self.options.lock_timeout.total_seconds()):
                await self._writing.acquire()
        except TimeoutError:
            raise DatabaseBusyError(
                f"another unit of work of this process holds {self.options.url} for too long: commit sooner, and do not "
                "open one inside another"
            ) from None

    @asynccontextmanager
    async def _session(
        self, execution_options: dict[str, Any], *, uncommitted: str = "rolled_back"
    ) -> AsyncIterator[AsyncSession]:
        engine = self.engine.execution_options(**execution_options) if execution_options else self.engine
        session = AsyncSession(engine, sync_session_class=UnitOfWorkSession, expire_on_commit=False)
        outcome = "rolled_back"
        try:
            async with session:
                yield session
            outcome = "committed" if session.info.get(COMMITTED, False) else uncommitted
        except PoolTimeoutError as error:
            raise DatabaseBusyError(
                f"all {self.options.pool_size + self.options.pool_overflow} connections to {self.options.url} were in use "
                f"for {self.options.pool_timeout.total_seconds():g} s: commit sooner, or raise database_pool_size"
            ) from error
        finally:
            if self._metrics is not None:
                self._metrics.count_transaction(outcome)

    def _tell_retry(self, error: DatabaseError, attempt: int, delay: timedelta) -> None:
        if self._metrics is not None:
            self._metrics.count_retry(error.code)
        _logger.info(
            "A unit of work is done again",
            error_code=error.code,
            reason=str(error),
            attempt=attempt,
            delay_ms=round(delay.total_seconds() * 1_000),
        )


def _options(settings: DatabaseSettings | DatabaseOptions | str | Path, service_name: str | None) -> DatabaseOptions:
    schema = None if service_name is None else service_name.replace("-", "_")
    match settings:
        case DatabaseSettings():
            return settings.database_options
        case DatabaseOptions():
            return settings
        case Path():
            return DatabaseOptions(url=sqlite_url(settings), schema=schema)
        case str():
            try:
                return DatabaseOptions(url=parse_url(settings), schema=schema)
            except ValueError as error:
                raise DatabaseSettingsError(f"the database's URL {error}") from None
