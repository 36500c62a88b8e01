"""Where a database is, said the way people say it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DatabaseKind = Literal["sqlite", "postgresql"]
"""The databases that there are."""

_KINDS: Final[dict[str, DatabaseKind]] = {
    "sqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "postgresql+asyncpg": "postgresql",
}
_SHOWN: Final = frozenset({"ssl"})
"""Options that an address shows; others, such as `password`, may be secret."""
_DRIVERS: Final[dict[DatabaseKind, str]] = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The address of a database. It shows itself without its password."""

    kind: DatabaseKind
    """Which database it is."""
    url: URL
    """The address with the driver."""

    @property
    def path(self) -> Path:
        """The SQLite file."""
        assert self.kind == "sqlite", "PostgreSQL is a server"
        return Path(self.url.database or "")

    @property
    def is_in_memory(self) -> bool:
        """Whether it is SQLite without a file."""
        return self.kind == "sqlite" and self.url.database in {None, "", ":memory:"}

    def __str__(self) -> str:
        if self.kind == "sqlite":
            return str(self.path)
        query = {name: value for name, value in self.url.query.items() if name in _SHOWN}
        return self.url.set(drivername=self.kind, query=query).render_as_string()

    def __repr__(self) -> str:
        return f"DatabaseUrl({str(self)!r})"


def parse_url(text: str) -> DatabaseUrl:
    """Read a database URL.

    Args:
        text: `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`, `sqlite://` (in memory) or
            `postgresql://user:password@host:port/name`.

    Returns:
        The address.

    Raises:
        ValueError: It is none, or of a database that is not supported. The text is not repeated: it may hold a password.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError(
            "must be a database URL such as postgresql://user:password@host/name or sqlite:///path/to/file.db"
        ) from None
    kind = _KINDS.get(url.drivername)
    if kind is None:
        raise ValueError(f"is of {url.drivername!r}, and there are sqlite and postgresql")
    query = dict(url.query)
    if kind == "postgresql" and "sslmode" in query:
        # As libpq and everybody's documents call what the driver calls ssl.
        query["ssl"] = query.pop("sslmode")
    return DatabaseUrl(kind, url.set(drivername=_DRIVERS[kind], query=query))


def sqlite_url(path: Path) -> DatabaseUrl:
    """Make the address of a SQLite file.

    Args:
        path: The file.

    Returns:
        The address.
    """
    return DatabaseUrl("sqlite", URL.create(_DRIVERS["sqlite"], database=str(path)))
