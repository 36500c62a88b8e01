"""Databases of services: SQLAlchemy 2 async, Alembic, SQLite and PostgreSQL."""

from ._backend import Isolation
from ._base import NAMING, AutoId, Base, UtcDateTime, Versioned, new_metadata
from ._database import Database
from ._errors import (
    CommitUnknownError,
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
    MigrationError,
    OutboxFullError,
    QueryTimeoutError,
    SchemaNewerError,
    SchemaOutdatedError,
    StaleRecordError,
    TransactionConflictError,
)
from ._migrations import Migrations
from ._outbox._entry import OutboxEntry, OutboxState
from ._outbox._outbox import Outbox
from ._outbox._table import create_outbox, drop_outbox, outbox_table
from ._retrying import RetryPolicy
from ._revision import MigrationState, Revision
from ._settings import DatabaseOptions, DatabaseSettings
from ._url import DatabaseKind, DatabaseUrl, parse_url

__all__ = [
    "NAMING",
    "AutoId",
    "Base",
    "CommitUnknownError",
    "ConstraintKind",
    "ConstraintViolatedError",
    "Database",
    "DatabaseAccessError",
    "DatabaseBusyError",
    "DatabaseCorruptError",
    "DatabaseError",
    "DatabaseFullError",
    "DatabaseKind",
    "DatabaseOptions",
    "DatabaseReadOnlyError",
    "DatabaseSettings",
    "DatabaseSettingsError",
    "DatabaseUnavailableError",
    "DatabaseUrl",
    "Isolation",
    "MigrationError",
    "MigrationState",
    "Migrations",
    "Outbox",
    "OutboxEntry",
    "OutboxFullError",
    "OutboxState",
    "QueryTimeoutError",
    "RetryPolicy",
    "Revision",
    "SchemaNewerError",
    "SchemaOutdatedError",
    "StaleRecordError",
    "TransactionConflictError",
    "UtcDateTime",
    "Versioned",
    "create_outbox",
    "drop_outbox",
    "new_metadata",
    "outbox_table",
    "parse_url",
]
