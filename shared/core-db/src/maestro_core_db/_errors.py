"""What can go wrong with a database: one root, a stable code, and whether trying again can help."""

from typing import ClassVar, Literal

ConstraintKind = Literal["unique", "foreign_key", "not_null", "check", "exclusion", "other"]
"""Which kind of rule a row broke."""


class DatabaseError(Exception):
    """Root of this package's errors.

    Attributes:
        code: Stable name of the kind of error.
        is_transient: Whether the same unit of work can succeed when it is done again; `Database.retrying` does.
    """

    code: ClassVar[str] = "DATABASE_ERROR"
    is_transient: ClassVar[bool] = False


class DatabaseSettingsError(DatabaseError):
    """The database cannot be what the settings say: an unknown kind, a missing driver, a URL that is none."""

    code = "DATABASE_SETTINGS"


class DatabaseUnavailableError(DatabaseError):
    """The database cannot be reached, or the connection was lost. What had not been committed is undone."""

    code = "DATABASE_UNAVAILABLE"
    is_transient = True


class CommitUnknownError(DatabaseError):
    """The connection was lost during COMMIT: the changes are in the database as a whole, or none of them is.

    It is not tried again by itself, because doing the work twice may be wrong; see `RetryPolicy.unknown_commit`.
    """

    code = "COMMIT_UNKNOWN"


class DatabaseBusyError(DatabaseError):
    """Others held a lock, or all connections, for longer than this one waits."""

    code = "DATABASE_BUSY"
    is_transient = True


class TransactionConflictError(DatabaseError):
    """Another transaction was in the way: a serialisation failure or a deadlock. Everything is undone."""

    code = "TRANSACTION_CONFLICT"
    is_transient = True


class QueryTimeoutError(DatabaseError):
    """A statement took longer than `database_statement_timeout_s`, or was cancelled on the server."""

    code = "QUERY_TIMEOUT"


class DatabaseFullError(DatabaseError):
    """There is no room left on the database's disk. What is in it can still be read."""

    code = "DATABASE_FULL"


class DatabaseReadOnlyError(DatabaseError):
    """The database, or this transaction, can only be read."""

    code = "DATABASE_READ_ONLY"


class DatabaseCorruptError(DatabaseError):
    """The file is damaged, or no database. It is left as it is."""

    code = "DATABASE_CORRUPT"


class DatabaseAccessError(DatabaseError):
    """The server refuses the user, the password or the database's name, or the user may not do this."""

    code = "DATABASE_ACCESS"


class StaleRecordError(DatabaseError):
    """Somebody else has changed or deleted the record since it was read; read it again."""

    code = "STALE_RECORD"


class ConstraintViolatedError(DatabaseError):
    """A row breaks a rule of its table.

    Args:
        message: What happened; without the row's values.
        kind: Which kind of rule.
        constraint: Name of the rule; on SQLite `table.column, …` for unique and not-null rules, and None for foreign keys.
    """

    code = "CONSTRAINT_VIOLATED"

    def __init__(self, message: str, *, kind: ConstraintKind, constraint: str | None) -> None:
        super().__init__(message)
        self.kind: ConstraintKind = kind
        self.constraint = constraint


class OutboxFullError(DatabaseError):
    """As many events as the outbox takes wait to be published."""

    code = "OUTBOX_FULL"


class MigrationError(DatabaseError):
    """Migrations cannot be run, or one of them failed; the database is as it was before."""

    code = "MIGRATION_FAILED"


class SchemaOutdatedError(MigrationError):
    """The database lacks migrations that the code has.

    Args:
        message: What is missing and what to do.
        current: The database's revision; None when it has none.
        head: The code's newest revision.
    """

    code = "SCHEMA_OUTDATED"

    def __init__(self, message: str, *, current: str | None, head: str) -> None:
        super().__init__(message)
        self.current = current
        self.head = head


class SchemaNewerError(MigrationError):
    """A newer version of the code has migrated the database; this one does not know its revision.

    Args:
        message: What was found and what to do.
        current: The database's revision.
        head: The newest revision that this code knows.
    """

    code = "SCHEMA_NEWER"

    def __init__(self, message: str, *, current: str, head: str) -> None:
        super().__init__(message)
        self.current = current
        self.head = head
