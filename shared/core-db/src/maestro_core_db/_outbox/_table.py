"""The table of the outbox."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    literal_column,
)

from maestro_core_db._base import NAMING, AutoId
from maestro_core_db._url import DatabaseKind

# The database's clock: relays on several machines need not agree on the time.
_NOW_MS: Final[dict[DatabaseKind, str]] = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
}


def outbox_table(metadata: MetaData) -> Table:
    """Add the outbox to a service's metadata, so that its migrations and its models agree.

    Args:
        metadata: The service's.

    Returns:
        The table `outbox`.
    """
    table = Table(
        "outbox",
        metadata,
        Column("id", AutoId, primary_key=True),
        Column("event_json", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("key", Text),
        Column("added_at_ms", BigInteger, nullable=False),
        Column("available_at_ms", BigInteger, nullable=False),
        Column("lease", Text),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("last_error", Text),
        Column("done_at_ms", BigInteger),
        # SQLite would give the number of a deleted row again.
        sqlite_autoincrement=True,
    )
    pending, done = table.c.done_at_ms.is_(None), table.c.done_at_ms.is_not(None)
    Index("ix_outbox_pending", table.c.id, sqlite_where=pending, postgresql_where=pending)
    Index("ix_outbox_key", table.c.key, table.c.id, sqlite_where=pending, postgresql_where=pending)
    Index("ix_outbox_done", table.c.done_at_ms, sqlite_where=done, postgresql_where=done)
    return table


def create_outbox(connection: Connection) -> None:
    """Create the outbox in a migration: `create_outbox(op.get_bind())`.

    Args:
        connection: The migration's.
    """
    outbox_table(MetaData(naming_convention=NAMING)).create(connection)


def drop_outbox(connection: Connection) -> None:
    """Drop the outbox, with everything in it, in a migration: `drop_outbox(op.get_bind())`.

    Args:
        connection: The migration's.
    """
    outbox_table(MetaData(naming_convention=NAMING)).drop(connection)


def now_ms(kind: DatabaseKind) -> ColumnElement[Any]:
    """Return the database's time as an expression, in milliseconds since 1970.

    Args:
        kind: The database.
    """
    return literal_column(_NOW_MS[kind], BigInteger)
