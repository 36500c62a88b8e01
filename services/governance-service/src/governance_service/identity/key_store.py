"""API keys, as the framework looks them up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.clock import Clock
from governance_service.repeating import repeated
from maestro_core_api import APIKey
from maestro_core_db import Database, DatabaseError
from maestro_core_logging import get_logger

from .domain import still_held
from .storage import scopes_of
from .tables import ApiKeyRow, UserRow

_logger = get_logger(__name__)
_WRITES_EVERY: Final = timedelta(seconds=10)


class DatabaseKeyStore:
    """A `KeyStore` that looks into the database, and notes when keys were used.

    Args:
        clock: Gives the present.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._db: Database | None = None
        self._used: dict[str, datetime] = {}

    async def find(self, key_id: str) -> APIKey | None:
        """Return what is kept of a key.

        A key of a user's own is revoked while the user is disabled, and never has a role or a scope that the user has no more.

        Args:
            key_id: Id of the key.
        """
        if self._db is None:
            return None
        async with self._db.reading() as session:
            row = await session.get(ApiKeyRow, key_id)
            if row is None:
                return None
            owner = None if row.owner_id is None else await session.get(UserRow, row.owner_id)
            scopes = frozenset(row.scopes)
            if owner is not None and scopes:
                scopes &= await scopes_of(session, owner.roles)
        revoked = [at for at in (row.revoked_at, None if owner is None else owner.disabled_at) if at is not None]
        return APIKey(
            key_id=row.id,
            hash=row.hash,
            subject=row.subject,
            roles=frozenset(row.roles) if owner is None else still_held(row.roles, owner.roles),
            scopes=scopes,
            tenant=row.tenant,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=min(revoked, default=None),
        )

    def note_use(self, key_id: str) -> None:
        """Remember that a key was used; it is written a little later, many at once.

        Args:
            key_id: Id of the key.
        """
        self._used[key_id] = self._clock()

    @asynccontextmanager
    async def opened(self, db: Database) -> AsyncIterator[None]:
        """Look into a database while the block runs.

        Args:
            db: The database.
        """
        self._db = db
        async with repeated(self._write, every=_WRITES_EVERY, name="api-key-uses"):
            yield
        await self._write()
        self._db = None

    async def _write(self) -> None:
        used, self._used = self._used, {}
        if not used or self._db is None:
            return

        async def work(session: AsyncSession) -> None:
            for key_id, at in sorted(used.items()):
                await session.execute(update(ApiKeyRow).where(ApiKeyRow.id == key_id).values(last_used_at=at))
            await session.commit()

        try:
            await self._db.retrying(work)
        except DatabaseError as error:
            # When a key was last used is a help, and no reason for anything to fail.
            _logger.warning("The uses of API keys could not be written", keys=len(used), error_code=error.code)
