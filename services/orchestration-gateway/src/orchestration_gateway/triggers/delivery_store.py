"""Deliveries in the database: the inbox."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_db import Database
from orchestration_gateway.tables import DELIVERIES

from .delivery import Delivery, DeliveryStatus, Start

_PURGED_AT_ONCE = 500
Announce = Callable[[AsyncSession, Delivery], Awaitable[None]]
"""Tells of a delivery's change within a unit of work."""


class DeliveryStore:
    """Keeps deliveries; what it returned from is on disk.

    Args:
        db: The database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, delivery: Delivery) -> bool:
        """Keep a delivery.

        Returns:
            Whether it is new; nothing was changed when one of its id is there.
        """
        dialect = postgresql if self._db.kind == "postgresql" else sqlite
        statement = dialect.insert(DELIVERIES).values(_to_row(delivery)).on_conflict_do_nothing()

        async def work(session: AsyncSession) -> bool:
            done = await session.execute(statement)
            await session.commit()
            return bool(done.rowcount)  # type: ignore[attr-defined]  # of an INSERT it is a CursorResult

        return await self._db.retrying(work)

    async def get(self, delivery_id: str) -> Delivery | None:
        """Return a delivery; None when there is none."""
        async with self._db.reading() as session:
            row = (await session.execute(select(DELIVERIES).where(DELIVERIES.c.id == delivery_id))).one_or_none()
        return None if row is None else _from_row(row)

    async def change(
        self,
        delivery: Delivery,
        *,
        only_while: DeliveryStatus | None = None,
        since: datetime | None = None,
        announce: Announce | None = None,
    ) -> bool:
        """Keep a delivery's new state.

        Args:
            delivery: The delivery; one of its id is there.
            only_while: Change it only when it stands here.
            since: Change it only when its run is wanted since this time: it was not replayed meanwhile.
            announce: Tells of the change in the same transaction.

        Returns:
            Whether it was changed.
        """
        statement = update(DELIVERIES).where(DELIVERIES.c.id == delivery.id).values(_to_row(delivery))
        if only_while is not None:
            statement = statement.where(DELIVERIES.c.status == only_while)
        if since is not None:
            statement = statement.where(DELIVERIES.c.waiting_since == since)

        async def work(session: AsyncSession) -> bool:
            done = await session.execute(statement)
            changed = bool(done.rowcount)  # type: ignore[attr-defined]  # of an UPDATE it is a CursorResult
            if changed and announce is not None:
                await announce(session, delivery)
            await session.commit()
            return changed

        return await self._db.retrying(work)

    async def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """Take deliveries whose time has come, so that nobody else takes them for a while.

        Args:
            now: The present.
            limit: How many at most.
            lease: For how long; whoever dies with them lets go of them by that.

        Returns:
            The deliveries, oldest first.
        """
        due = and_(DELIVERIES.c.status == DeliveryStatus.WAITING, DELIVERIES.c.next_attempt_at <= now)
        wanted = select(DELIVERIES).where(due).order_by(DELIVERIES.c.next_attempt_at).limit(limit)

        async def work(session: AsyncSession) -> Sequence[Delivery]:
            rows = (await session.execute(wanted.with_for_update(skip_locked=True))).all()
            if rows:
                taken = DELIVERIES.c.id.in_([row.id for row in rows])
                await session.execute(update(DELIVERIES).where(taken).values(next_attempt_at=now + lease))
            await session.commit()
            return [replace(_from_row(row), next_attempt_at=now + lease) for row in rows]

        return await self._db.retrying(work)

    async def next_due(self) -> datetime | None:
        """Return when the next delivery is due; None when none waits."""
        wanted = select(func.min(DELIVERIES.c.next_attempt_at)).where(DELIVERIES.c.status == DeliveryStatus.WAITING)
        async with self._db.reading() as session:
            found: datetime | None = (await session.execute(wanted)).scalar_one()
        return found

    async def page(
        self,
        *,
        tenant: str | None,
        trigger: str | None = None,
        status: DeliveryStatus | None = None,
        limit: int,
        before: tuple[datetime, str] | None = None,
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first.

        Args:
            tenant: Only this tenant's; None for everybody's.
            trigger: Only this trigger's.
            status: Only those that stand here.
            limit: How many at most.
            before: Time and id of the last one of the page before.
        """
        wanted: Select[Any] = select(DELIVERIES)
        if tenant is not None:
            wanted = wanted.where(DELIVERIES.c.tenant == tenant)
        if trigger is not None:
            wanted = wanted.where(DELIVERIES.c.trigger_name == trigger)
        if status is not None:
            wanted = wanted.where(DELIVERIES.c.status == status)
        if before is not None:
            at, id_ = before
            earlier = DELIVERIES.c.received_at < at
            wanted = wanted.where(or_(earlier, and_(DELIVERIES.c.received_at == at, DELIVERIES.c.id < id_)))
        wanted = wanted.order_by(DELIVERIES.c.received_at.desc(), DELIVERIES.c.id.desc()).limit(limit)
        async with self._db.reading() as session:
            return [_from_row(row) for row in await session.execute(wanted)]

    async def census(self) -> dict[str, int]:
        """Count the deliveries by where they stand."""
        wanted = select(DELIVERIES.c.status, func.count()).group_by(DELIVERIES.c.status)
        async with self._db.reading() as session:
            counted = {row[0]: row[1] for row in (await session.execute(wanted)).all()}
        return {status.value: counted.get(status.value, 0) for status in DeliveryStatus}

    async def purge(self, *, settled_before: datetime, dead_before: datetime) -> int:
        """Forget deliveries.

        Args:
            settled_before: Those that started a run, or were filtered, before this time.
            dead_before: Those that were given up before this time.

        Returns:
            How many.
        """
        settled = DELIVERIES.c.status.in_([DeliveryStatus.STARTED, DeliveryStatus.FILTERED])
        dead = DELIVERIES.c.status == DeliveryStatus.DEAD
        old = or_(
            and_(settled, DELIVERIES.c.settled_at < settled_before), and_(dead, DELIVERIES.c.settled_at < dead_before)
        )
        some = select(DELIVERIES.c.id).where(old).limit(_PURGED_AT_ONCE).scalar_subquery()
        total = 0
        while True:

            async def work(session: AsyncSession) -> int:
                done = await session.execute(DELIVERIES.delete().where(DELIVERIES.c.id.in_(some)))
                await session.commit()
                return int(done.rowcount)  # type: ignore[attr-defined]  # of a DELETE it is a CursorResult

            gone = await self._db.retrying(work)
            total += gone
            if gone < _PURGED_AT_ONCE:
                return total


def _to_row(delivery: Delivery) -> dict[str, Any]:
    start = delivery.start
    return {
        "id": delivery.id,
        "trigger_name": delivery.trigger,
        "tenant": delivery.tenant,
        "delivery_key": delivery.key,
        "digest": delivery.digest,
        "message_json": json.dumps(delivery.message),
        "status": delivery.status.value,
        "received_at": delivery.received_at,
        "waiting_since": delivery.waiting_since,
        "workflow": None if start is None else start.workflow,
        "run_id": None if start is None else start.run_id,
        "input_json": None if start is None else json.dumps(start.input),
        "options_json": None if delivery.options is None else json.dumps(dict(delivery.options)),
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at,
        "settled_at": delivery.settled_at,
        "error_code": delivery.error_code,
        "error": delivery.error,
        "traceparent": delivery.traceparent,
    }


def _from_row(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        trigger=row.trigger_name,
        tenant=row.tenant,
        key=row.delivery_key,
        digest=row.digest,
        message=json.loads(row.message_json),
        status=DeliveryStatus(row.status),
        received_at=row.received_at,
        waiting_since=row.waiting_since,
        start=None if row.run_id is None else Start(row.workflow, row.run_id, json.loads(row.input_json)),
        options=None if row.options_json is None else json.loads(row.options_json),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        settled_at=row.settled_at,
        error_code=row.error_code,
        error=row.error,
        traceparent=row.traceparent,
    )
