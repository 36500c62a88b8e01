"""Databases that tests may do with as they like: SQLite files, and PostgreSQL from a wheel."""

from ._postgres_server import PostgresServer
from ._temporary import TemporaryDatabase, temporary_postgres, temporary_sqlite

__all__ = ["PostgresServer", "TemporaryDatabase", "temporary_postgres", "temporary_sqlite"]
