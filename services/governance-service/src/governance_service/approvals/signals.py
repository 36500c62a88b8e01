"""Outcomes on their way to the runs that wait for them: kept with the decision, until they have arrived."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.approvals.domain import Task
from governance_service.approvals.tables import ApprovalSignalRow
from maestro_core_db import Database

JSON = Any
"""Any JSON value."""
PENDING: Final = "pending"
DELIVERED: Final = "delivered"
UNDELIVERABLE: Final = "undeliverable"


@dataclass(frozen=True, slots=True)
class Signal:
    """An outcome for a run."""

    tenant: str
    approval_id: str
    run_id: str
    name: str
    payload: JSON
    attempt: int
    """Which attempt this is, from 1."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far an outcome has come."""

    state: str
    """`pending`, `delivered`, or `undeliverable` when nobody waits for it any more."""
    attempts: int
    problem: str | None
    """Why the last attempt failed."""
    delivered_at: datetime | None


async def queued(session: AsyncSession, task: Task, outcome: JSON, *, now: datetime) -> None:
    """Keep an outcome for its run, in the unit of work that settles the approval. Does nothing where no run waits.

    Args:
        session: The unit of work.
        task: What was asked.
        outcome: What the run is told.
        now: The present.
    """
    if task.run_id is None or task.signal is None:
        return
    await session.execute(
        insert(ApprovalSignalRow).values(
            tenant=task.tenant or "",
            approval_id=task.id,
            run_id=task.run_id,
            signal=task.signal,
            payload_json=json.dumps(outcome),
            state=PENDING,
            attempts=0,
            next_at=now,
        )
    )


class SignalQueue:
    """The outcomes that have not arrived.

    Args:
        db: The database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, now: datetime, lease: timedelta, limit: int) -> Sequence[Signal]:
        """Take what is to be tried now; no other process takes it before the lease is over.

        Args:
            now: The present.
            lease: How long this process may take before it is taken for dead.
            limit: How many at most.

        Returns:
            What to deliver.
        """

        async def work(session: AsyncSession) -> list[Signal]:
            wanted = (
                select(ApprovalSignalRow)
                .where(ApprovalSignalRow.state == PENDING, ApprovalSignalRow.next_at <= now)
                .order_by(ApprovalSignalRow.next_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            rows = (await session.scalars(wanted)).all()
            for row in rows:
                row.attempts += 1
                row.next_at = now + lease
            await session.commit()
            return [_signal(row) for row in rows]

        return await self._db.retrying(work)

    async def arrived(self, signal: Signal, now: datetime) -> None:
        """Say that a run has got its outcome.

        Args:
            signal: Which.
            now: The present.
        """
        await self._note(signal, state=DELIVERED, delivered_at=now, problem=None)

    async def failed(self, signal: Signal, problem: str, next_at: datetime) -> None:
        """Say that an attempt failed.

        Args:
            signal: Which.
            problem: Why.
            next_at: When it is tried again.
        """
        await self._note(signal, problem=problem, next_at=next_at)

    async def given_up(self, signal: Signal, problem: str) -> None:
        """Say that nobody waits for an outcome any more.

        Args:
            signal: Which.
            problem: Why.
        """
        await self._note(signal, state=UNDELIVERABLE, problem=problem)

    async def delivery(self, approval_id: str, tenant: str | None) -> Delivery | None:
        """Tell how far an outcome has come.

        Args:
            approval_id: Of which approval.
            tenant: Whose.

        Returns:
            How far; None when there is none, or no run waits for it.
        """
        async with self._db.reading() as session:
            row = await session.get(ApprovalSignalRow, (tenant or "", approval_id))
        return None if row is None else Delivery(row.state, row.attempts, row.problem, row.delivered_at)

    async def _note(self, signal: Signal, **values: Any) -> None:
        async def work(session: AsyncSession) -> None:
            await session.execute(
                update(ApprovalSignalRow)
                .where(
                    ApprovalSignalRow.tenant == signal.tenant,
                    ApprovalSignalRow.approval_id == signal.approval_id,
                    ApprovalSignalRow.state == PENDING,
                )
                .values(values)
                .execution_options(synchronize_session=False)
            )
            await session.commit()

        await self._db.retrying(work)


def _signal(row: ApprovalSignalRow) -> Signal:
    return Signal(row.tenant, row.approval_id, row.run_id, row.signal, json.loads(row.payload_json), row.attempts)
