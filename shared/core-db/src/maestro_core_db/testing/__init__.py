"""Databases that tests may do with as they like: SQLite files, and PostgreSQL from a wheel."""

from ._postgres_server import PostgresServer
from ._templates import sqlite_template
from ._temporary import TemporaryDatabase, temporary_postgres, temporary_sqlite

__all__ = ["PostgresServer", "TemporaryDatabase", "sqlite_template", "temporary_postgres", "temporary_sqlite"]
