"""Quotas counted: starts by core-api's limiter, streams by places in the database, both exactly over all processes."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_api import RateLimit, TooManyRequestsException, count_for
from maestro_core_db import Database, DatabaseError
from maestro_core_logging import get_logger
from orchestration_gateway.clock import Clock
from orchestration_gateway.tables import STREAM_PLACES

from .quota import Quota, account_of, quota_of

_logger = get_logger(__name__)
_HELD: Final = timedelta(seconds=30)
"""How long places outlive a process that was killed."""
_STARTS: Final = "starts-per-tenant"
_STREAMS: Final = "streams-per-tenant"


class Quotas:
    """What tenants use. Use `at_work`.

    Args:
        app: The application, whose limiter counts starts.
        db: Keeps the places of streams.
        default: What holds for tenants without a quota of their own.
        own: Quotas by tenant.
        clock: Gives the present.
    """

    def __init__(self, app: Any, db: Database, default: Quota, own: Mapping[str, Quota], *, clock: Clock) -> None:
        self._app = app
        self._db = db
        self._default = default
        self._own = own
        self._clock = clock
        self._holder = uuid.uuid4().hex
        self._open: set[tuple[str, int]] = set()
        self._astray: set[tuple[str, int]] = set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Renew the places of this process while the block runs, and give them back at its end."""
        task = asyncio.create_task(self._renew(), name="stream-places")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            with suppress(DatabaseError):
                await self._give_back(STREAM_PLACES.c.holder == self._holder)

    async def admit_start(self, tenant: str | None) -> None:
        """Count the start of a run, or refuse it.

        Raises:
            TooManyRequestsException: The tenant's quota is used up; with `rule`, `limit` and `retry_after`.
        """
        quota = quota_of(tenant, self._default, self._own)
        limit = RateLimit(rule=_STARTS, limit=quota.starts, period=timedelta(seconds=quota.window_s), by=())
        await count_for(self._app, limit, account_of(tenant))

    @asynccontextmanager
    async def stream(self, tenant: str | None) -> AsyncIterator[None]:
        """Hold a place for a stream while the block runs.

        Raises:
            TooManyRequestsException: The tenant has as many open as it may.
        """
        account, limit = account_of(tenant), quota_of(tenant, self._default, self._own).streams
        place = await self._take_place(account, limit)
        if place is None:
            raise TooManyRequestsException(
                "Too many open streams",
                detail=f"{_STREAMS} allows {limit} streams at a time; close one",
                rule=_STREAMS,
                limit=limit,
                retry_after=1,
                headers={"Retry-After": "1"},
            )
        self._open.add((account, place))
        try:
            yield
        finally:
            self._open.discard((account, place))
            mine = (STREAM_PLACES.c.tenant == account) & (STREAM_PLACES.c.place == place)
            # What cannot be given back now goes with the next renewal.
            with suppress(DatabaseError):
                await asyncio.shield(self._give_back(mine & (STREAM_PLACES.c.holder == self._holder)))

    async def _take_place(self, account: str, limit: int) -> int | None:
        now = self._clock()
        of_account = STREAM_PLACES.c.tenant == account

        async def work(session: AsyncSession) -> int | None:
            await session.execute(STREAM_PLACES.delete().where(of_account & (STREAM_PLACES.c.held_until < now)))
            taken = set((await session.execute(select(STREAM_PLACES.c.place).where(of_account))).scalars())
            free = next((place for place in range(limit) if place not in taken), None)
            if free is not None:
                # Two processes that choose the same place break a rule of the table, and one of them chooses again.
                row = {"tenant": account, "place": free, "holder": self._holder, "held_until": now + _HELD}
                await session.execute(STREAM_PLACES.insert().values(row))
            await session.commit()
            return free

        for _ in range(limit):
            try:
                return await self._db.retrying(work)
            except DatabaseError as error:
                if error.code != "CONSTRAINT_VIOLATED":
                    raise
        return None

    async def _give_back(self, which: Any) -> None:
        async def work(session: AsyncSession) -> None:
            await session.execute(STREAM_PLACES.delete().where(which))
            await session.commit()

        await self._db.retrying(work)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_HELD.total_seconds() / 3)
            try:
                await self._renew_places()
            except DatabaseError as error:
                _logger.warning("Places of streams could not be renewed", reason=str(error), error_code=error.code)

    async def _renew_places(self) -> None:
        """Renew the places of the streams that are open, and give back those that no stream has.

        Such are left by a request that was cancelled while it took one, and by a database that was away when one was given back.
        One that was taken a moment ago may have no stream yet, so that only those go that had none the time before either.
        """
        mine = STREAM_PLACES.c.holder == self._holder

        async def work(session: AsyncSession) -> set[tuple[str, int]]:
            rows = await session.execute(select(STREAM_PLACES.c.tenant, STREAM_PLACES.c.place).where(mine))
            astray = {(row.tenant, row.place) for row in rows} - self._open
            for account, place in astray & self._astray:
                gone = (STREAM_PLACES.c.tenant == account) & (STREAM_PLACES.c.place == place)
                await session.execute(STREAM_PLACES.delete().where(mine & gone))
            await session.execute(update(STREAM_PLACES).where(mine).values(held_until=self._clock() + _HELD))
            await session.commit()
            return astray - self._astray

        self._astray = await self._db.retrying(work)
