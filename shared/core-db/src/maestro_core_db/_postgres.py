"""PostgreSQL, through asyncpg."""

from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ._backend import NO_LIMIT, Isolation
from ._errors import (
    ConstraintKind,
    ConstraintViolatedError,
    DatabaseAccessError,
    DatabaseBusyError,
    DatabaseCorruptError,
    DatabaseError,
    DatabaseFullError,
    DatabaseReadOnlyError,
    DatabaseSettingsError,
    DatabaseUnavailableError,
    QueryTimeoutError,
    TransactionConflictError,
)
from ._settings import DatabaseOptions
from ._url import DatabaseKind

_CONSTRAINTS: Final[dict[str, ConstraintKind]] = {
    "23502": "not_null",
    "23503": "foreign_key",
    "23505": "unique",
    "23514": "check",
    "23P01": "exclusion",
}
_CLOSED: Final = (DatabaseUnavailableError, "{place} closed the connection ({text})")
_CROWDED: Final = (DatabaseUnavailableError, "{place} takes no more ({text})")
_CONFLICT: Final = (TransactionConflictError, "another transaction on {place} was in the way ({text}): do it again")
_CORRUPT: Final = (DatabaseCorruptError, "{place} is damaged ({text}): restore it from a copy")
_REFUSED: Final = (
    DatabaseAccessError,
    "{place} refuses us ({text}): check the database, the user and the user's rights",
)
# By SQLSTATE, or by its class (https://www.postgresql.org/docs/18/errcodes-appendix.html).
_STATES: Final[dict[str, tuple[type[DatabaseError], str]]] = {
    "08": (DatabaseUnavailableError, "the connection to {place} was lost ({text})"),
    "25006": (DatabaseReadOnlyError, "{place} can only be read here ({text}): use transaction() to write"),
    "25P03": _CLOSED,
    "28": _REFUSED,
    "3D000": _REFUSED,
    "40001": _CONFLICT,
    "40P01": _CONFLICT,
    "42501": _REFUSED,
    "53100": (DatabaseFullError, "the disk of {place} is full ({text}): make room on it"),
    "53200": _CROWDED,
    "53300": _CROWDED,
    "55P03": (DatabaseBusyError, "a lock on {place} was held for too long ({text}); try again later"),
    "57014": (QueryTimeoutError, "a statement on {place} took too long ({text})"),
    "57P01": _CLOSED,
    "57P02": _CLOSED,
    "57P03": _CLOSED,
    "57P05": _CLOSED,
    "XX001": _CORRUPT,
    "XX002": _CORRUPT,
}


class Postgres:
    """See `Backend`."""

    kind: DatabaseKind = "postgresql"
    has_one_writer = False

    def engine(self, options: DatabaseOptions, **engine_options: Any) -> AsyncEngine:
        """See `Backend.engine`."""
        pool: dict[str, Any] = {
            "pool_size": options.pool_size,
            "max_overflow": options.pool_overflow,
            "pool_timeout": options.pool_timeout.total_seconds(),
            # A connection that a restarted server has forgotten is replaced before anybody works with it.
            "pool_pre_ping": True,
            "pool_use_lifo": True,
        }
        try:
            engine = create_async_engine(
                options.url.url,
                connect_args={
                    "timeout": options.connect_timeout.total_seconds(),
                    "server_settings": _server_settings(options),
                },
                **(engine_options or pool),
            )
        except ModuleNotFoundError as error:
            raise DatabaseSettingsError(
                f"{options.url} needs the driver asyncpg: pip install 'maestro-core-db[postgres]'"
            ) from error
        event.listen(engine.sync_engine, "do_connect", _Connecting(str(options.url)))
        return engine

    def writing(self, isolation: Isolation | None) -> dict[str, Any]:
        """See `Backend.writing`."""
        return {} if isolation is None else {"isolation_level": isolation.upper()}

    def reading(self, isolation: Isolation | None) -> dict[str, Any]:
        """See `Backend.reading`."""
        return {**self.writing(isolation), "postgresql_readonly": True}

    async def prove(self, connection: AsyncConnection) -> None:
        """See `Backend.prove`."""
        await connection.exec_driver_sql("SELECT 1")

    def translated(self, error: BaseException, place: str) -> DatabaseError | None:
        """See `Backend.translated`."""
        state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
        if not isinstance(state, str):
            return _lost(error, place)
        if state.startswith("23"):
            return _constraint(error, state)
        return _by_state(error, state, place)


class _Connecting:
    """Says in our words why there is no connection; the driver lets the system's errors through."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __call__(self, dialect: Any, _record: object, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        try:
            return dialect.connect(*arguments, **options)
        except (OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise DatabaseUnavailableError(f"{self._place} cannot be reached ({reason}): is the server up?") from error


def _server_settings(options: DatabaseOptions) -> dict[str, str]:
    settings = {
        "application_name": options.schema or "maestro",
        "lock_timeout": _ms(options.lock_timeout.total_seconds()),
        "timezone": "UTC",
    }
    if options.schema is not None:
        settings["search_path"] = options.schema
    if options.statement_timeout > NO_LIMIT:
        settings["statement_timeout"] = _ms(options.statement_timeout.total_seconds())
    return settings


def _ms(seconds: float) -> str:
    return str(max(1, round(seconds * 1_000)))


def _lost(error: BaseException, place: str) -> DatabaseError | None:
    # Without an SQLSTATE it is the driver's own: a connection that is closed, or the system's errors.
    if type(error).__name__ in {"InterfaceError", "InternalClientError"} or isinstance(
        error.__cause__, (OSError, ConnectionError)
    ):
        return DatabaseUnavailableError(f"the connection to {place} was lost ({_first_line(error)})")
    return None


def _by_state(error: BaseException, state: str, place: str) -> DatabaseError | None:
    found = _STATES.get(state) or _STATES.get(state[:2])
    if found is None:
        return None
    kind, sentence = found
    return kind(sentence.format(place=place, text=_first_line(error)))


def _constraint(error: BaseException, state: str) -> ConstraintViolatedError:
    cause = error.__cause__
    kind = _CONSTRAINTS.get(state, "other")
    constraint = getattr(cause, "constraint_name", None) or getattr(cause, "column_name", None)
    # The first line names the rule; the driver's details have the row's values.
    return ConstraintViolatedError(_first_line(error), kind=kind, constraint=constraint)


def _first_line(error: BaseException) -> str:
    text = str(error.__cause__ or error).strip() or type(error).__name__
    return text.splitlines()[0]
