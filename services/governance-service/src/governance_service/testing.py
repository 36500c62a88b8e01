"""What tests of the service stand on."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.config import GovernanceServiceConfig
from governance_service.telling import T, Told
from maestro_core_db import Database

SECRET: Final = "a-secret-for-tests-of-at-least-32-bytes"  # noqa: S105 - it protects nothing


class FakeClock:
    """A `Clock` that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present, as set."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time go by.

        Args:
            by: How much.
        """
        self.now += by


def config_for(folder: Path, database_url: str | None = None, **settings: Any) -> GovernanceServiceConfig:
    """Make a configuration that keeps everything in a folder.

    Args:
        folder: The folder.
        database_url: The database; None takes a SQLite file in the folder.
        **settings: Further settings, which win.

    Returns:
        The configuration.
    """
    given = {"environment": "test", "jwt_secret": SECRET, "data_dir": folder, "database_url": database_url}
    given |= {"policy_builtin": False, "scorecard_interval_s": 0, **settings}
    return GovernanceServiceConfig.model_validate(given)


_TELLING: Final = "noted-teller"


class NotedTeller:
    """A `Teller` that only notes what it is told, once it is committed.

    Args:
        db: The database.

    Attributes:
        told: What was told in units of work that were committed.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.told: list[Told] = []

    async def tell(self, session: AsyncSession, told: Told) -> None:
        """See `Teller.tell`."""
        session.info.setdefault(_TELLING, []).append(told)

    async def recorded(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """See `Teller.recorded`."""
        telling: list[Told] = []

        async def noted(session: AsyncSession) -> T:
            telling.clear()
            session.info[_TELLING] = telling
            return await work(session)

        done = await self._db.retrying(noted)
        self.told += telling
        return done
