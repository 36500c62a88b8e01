"""The settings of a service with a database."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from maestro_core_config import BaseConfig, SecretStrength

from ._url import DatabaseUrl, parse_url, sqlite_url


def _known(value: SecretStr) -> SecretStr:
    parse_url(value.get_secret_value())
    return value


class DatabaseSettings(BaseConfig):
    """Adds a database to a service's configuration: `class OrdersConfig(DatabaseSettings, BaseConfig)`."""

    # The URL is not itself a secret: the password inside may be missing, and a path has no strength.
    database_url: (
        Annotated[SecretStr, AfterValidator(_known), SecretStrength(min_length=1, min_bits=0, may_repeat=True)] | None
    ) = None
    """The database: `postgresql://user:password@host/name` or `sqlite:///path/to/file.db`. Default: the SQLite file
    `<service>.db` in data_dir."""
    database_schema: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    """The PostgreSQL schema of the service's tables, so that services can share a database. Default: the service's name with
    underscores."""
    database_pool_size: int = Field(default=5, ge=1, le=1_000)
    """Connections that are kept open. Default: 5."""
    database_pool_overflow: int = Field(default=5, ge=0, le=1_000)
    """Further connections at times of need. Default: 5."""
    database_pool_timeout_s: float = Field(default=10.0, gt=0, le=600)
    """How long to wait for a free connection, in seconds. Default: 10."""
    database_connect_timeout_s: float = Field(default=5.0, gt=0, le=600)
    """How long making a connection may take, in seconds. Default: 5."""
    database_lock_timeout_s: float = Field(default=5.0, gt=0, le=600)
    """How long to wait for others' locks, in seconds. Default: 5."""
    database_statement_timeout_s: float = Field(default=30.0, ge=0, le=86_400)
    """How long one statement may take on PostgreSQL, in seconds; 0 for no limit. Default: 30."""
    database_slow_query_ms: int = Field(default=500, ge=0)
    """Statements that take longer are logged, in milliseconds; 0 for none. Default: 500."""

    @property
    def database_options(self) -> "DatabaseOptions":
        """Everything that opening the database takes."""
        return DatabaseOptions(
            url=self._location(),
            schema=self.database_schema or self.service_name.replace("-", "_"),
            pool_size=self.database_pool_size,
            pool_overflow=self.database_pool_overflow,
            pool_timeout=timedelta(seconds=self.database_pool_timeout_s),
            connect_timeout=timedelta(seconds=self.database_connect_timeout_s),
            lock_timeout=timedelta(seconds=self.database_lock_timeout_s),
            statement_timeout=timedelta(seconds=self.database_statement_timeout_s),
            slow_query=timedelta(milliseconds=self.database_slow_query_ms),
        )

    def _location(self) -> DatabaseUrl:
        if self.database_url is not None:
            return parse_url(self.database_url.get_secret_value())
        return sqlite_url(Path(self.data_dir) / f"{self.service_name}.db")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """How a database is opened; `DatabaseSettings` makes it from a service's configuration."""

    url: DatabaseUrl
    """Where it is."""
    schema: str | None = None
    """The PostgreSQL schema of its tables; SQLite has none. Default: the server's, `public`."""
    pool_size: int = 5
    """Connections that are kept open. Default: 5."""
    pool_overflow: int = 5
    """Further connections at times of need. Default: 5."""
    pool_timeout: timedelta = timedelta(seconds=10)
    """How long to wait for a free connection. Default: 10 seconds."""
    connect_timeout: timedelta = timedelta(seconds=5)
    """How long making a connection may take. Default: 5 seconds."""
    lock_timeout: timedelta = timedelta(seconds=5)
    """How long to wait for others' locks. Default: 5 seconds."""
    statement_timeout: timedelta = timedelta(seconds=30)
    """How long one statement may take on PostgreSQL; zero for no limit. Default: 30 seconds."""
    slow_query: timedelta = timedelta(milliseconds=500)
    """Statements that take longer are logged; zero for none. Default: 500 milliseconds."""
