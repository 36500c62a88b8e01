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
    QueryTimeoutError,
    SchemaNewerError,
    SchemaOutdatedError,
    StaleRecordError,
    TransactionConflictError,
)
from ._migrations import Migrations
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
    "QueryTimeoutError",
    "RetryPolicy",
    "Revision",
    "SchemaNewerError",
    "SchemaOutdatedError",
    "StaleRecordError",
    "TransactionConflictError",
    "UtcDateTime",
    "Versioned",
    "new_metadata",
    "parse_url",
]
