"""What one kind of database has to know about itself."""

from datetime import timedelta
from typing import Any, Final, Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ._errors import DatabaseError
from ._settings import DatabaseOptions
from ._url import DatabaseKind

Isolation = Literal["read committed", "repeatable read", "serializable"]
"""How far apart transactions are kept; SQLite's are always serializable."""

NO_LIMIT: Final = timedelta(0)


class Backend(Protocol):
    """One kind of database."""

    kind: DatabaseKind
    """Its name in URLs."""
    has_one_writer: bool
    """Whether transactions that write take turns."""

    def engine(self, options: DatabaseOptions, **engine_options: Any) -> AsyncEngine:
        """Make an engine; nothing is connected yet.

        Args:
            options: How the database is opened.
            **engine_options: For `create_async_engine`, in place of the usual ones.

        Raises:
            DatabaseError: The database cannot be what the options say.
        """

    def writing(self, isolation: Isolation | None) -> dict[str, Any]:
        """Return the execution options of a transaction that writes."""

    def reading(self, isolation: Isolation | None) -> dict[str, Any]:
        """Return the execution options of a transaction that only reads."""

    def translated(self, error: BaseException, place: str) -> DatabaseError | None:
        """Say a driver's error in this package's words.

        Args:
            error: The driver's.
            place: The database, for people.

        Returns:
            The error; None when it is about the statement itself, and SQLAlchemy says it best.
        """

    async def prove(self, connection: AsyncConnection) -> None:
        """Find out whether the database can be used right now.

        Args:
            connection: One for reading.
        """
