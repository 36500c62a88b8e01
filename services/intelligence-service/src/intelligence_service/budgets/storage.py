"""Usage in the service's database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from intelligence_service.budgets.domain import Budget, Charge, Window, WindowUsage, check_room
from intelligence_service.domain.tokens import Usage
from intelligence_service.tables import UsageRow
from maestro_core_db import Database


class SqlUsageStore:
    """Keeps usage in a database. Implements `UsageStore`.

    Args:
        db: The database, migrated.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def charge(self, tenant: str, asked: Usage, budgets: Sequence[Budget], now: datetime) -> Charge:
        """See `UsageStore.charge`."""

        async def work(session: AsyncSession) -> None:
            used = {}
            # Always in this order: two calls that lock the rows of one tenant wait for, and never block, one another.
            for window in Window:
                await self._make_row(session, tenant, window, now)
                used[window] = await self._locked(session, tenant, window, now)
            for budget in budgets:
                check_room(budget, used[budget.window], asked, now)
            await self._add(session, tenant, now, calls=1, usage=asked)
            await session.commit()

        await self._db.retrying(work)
        return Charge(tenant, now, asked)

    async def settle(self, charge: Charge, used: Usage) -> None:
        """See `UsageStore.settle`."""
        booked = charge.booked
        difference = Usage(
            used.input_tokens - booked.input_tokens,
            used.output_tokens - booked.output_tokens,
            used.cost_micros - booked.cost_micros,
        )

        async def work(session: AsyncSession) -> None:
            await self._add(session, charge.tenant, charge.at, calls=0, usage=difference)
            await session.commit()

        await self._db.retrying(work)

    async def usage(self, tenant: str, now: datetime) -> list[WindowUsage]:
        """See `UsageStore.usage`."""
        async with self._db.reading() as session:
            found = [await session.get(UsageRow, (tenant, window.value, window.start(now))) for window in Window]
        return [
            WindowUsage(window, window.start(now), 0, 0, 0, 0) if row is None else _usage_of(row)
            for window, row in zip(Window, found, strict=True)
        ]

    async def history(self, tenant: str, window: Window, limit: int) -> list[WindowUsage]:
        """See `UsageStore.history`."""
        wanted = (
            select(UsageRow)
            .where(UsageRow.tenant == tenant, UsageRow.window == window.value)
            .order_by(UsageRow.starts_at.desc())
            .limit(limit)
        )
        async with self._db.reading() as session:
            return [_usage_of(row) for row in await session.scalars(wanted)]

    async def _make_row(self, session: AsyncSession, tenant: str, window: Window, now: datetime) -> None:
        values: Mapping[str, Any] = {
            "tenant": tenant,
            "window": window.value,
            "starts_at": window.start(now),
            "calls": 0,
            "input_tokens": 0,
            "output_tokens": 0,
            "cost_micros": 0,
        }
        if self._db.kind == "sqlite":
            await session.execute(sqlite.insert(UsageRow).values(values).on_conflict_do_nothing())
        else:
            await session.execute(postgresql.insert(UsageRow).values(values).on_conflict_do_nothing())

    async def _locked(self, session: AsyncSession, tenant: str, window: Window, now: datetime) -> WindowUsage:
        row = await session.scalar(
            select(UsageRow)
            .where(*_is(tenant, window, now))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        assert row is not None, "the row was made before"
        return _usage_of(row)

    async def _add(self, session: AsyncSession, tenant: str, at: datetime, *, calls: int, usage: Usage) -> None:
        for window in Window:
            await session.execute(
                update(UsageRow)
                .where(*_is(tenant, window, at))
                .values(
                    calls=UsageRow.calls + calls,
                    input_tokens=UsageRow.input_tokens + usage.input_tokens,
                    output_tokens=UsageRow.output_tokens + usage.output_tokens,
                    cost_micros=UsageRow.cost_micros + usage.cost_micros,
                )
                .execution_options(synchronize_session=False)
            )


def _is(tenant: str, window: Window, at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        UsageRow.tenant == tenant,
        UsageRow.window == window.value,
        UsageRow.starts_at == window.start(at),
    )


def _usage_of(row: UsageRow) -> WindowUsage:
    return WindowUsage(
        Window(row.window), row.starts_at, row.calls, row.input_tokens, row.output_tokens, row.cost_micros
    )
