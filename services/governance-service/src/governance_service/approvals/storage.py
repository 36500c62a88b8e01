"""Approvals in the database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Select, and_, delete, exists, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.approvals.domain import (
    AmbiguousApprovalError,
    Approval,
    ApprovalExistsError,
    Filter,
    Happening,
    StaleApprovalError,
    Status,
    outcome_of,
)
from governance_service.approvals.events import APPROVAL_EVENTS, ApprovalChanged
from governance_service.approvals.signals import queued
from governance_service.approvals.tables import ApprovalRow, ApprovalSeatRow
from governance_service.telling import Announcement, Teller, Told
from maestro_core_db import ConstraintViolatedError, Database

_DOCUMENT: Final = TypeAdapter(Approval)
_NAMED: Final = 20
"""How many tenants are named at most that have approvals of one id."""


class DatabaseApprovals:
    """An `ApprovalStore`.

    Args:
        db: The database.
        teller: Tells what happens to approvals.
    """

    def __init__(self, db: Database, teller: Teller) -> None:
        self._db = db
        self._teller = teller

    async def find(self, approval_id: str, tenant: str | None, *, all_tenants: bool = False) -> Approval | None:
        """See `ApprovalStore.find`."""
        async with self._db.reading() as session:
            if not all_tenants:
                row = await session.get(ApprovalRow, (tenant or "", approval_id))
                return None if row is None else _approval(row)
            anywhere = select(ApprovalRow).where(ApprovalRow.id == approval_id).order_by(ApprovalRow.tenant)
            rows = (await session.scalars(anywhere.limit(_NAMED))).all()
        if len(rows) > 1:
            raise AmbiguousApprovalError(approval_id, [row.tenant or None for row in rows])
        return _approval(rows[0]) if rows else None

    async def add(self, approval: Approval, happenings: Sequence[Happening]) -> None:
        """See `ApprovalStore.add`."""

        async def work(session: AsyncSession) -> None:
            await session.execute(insert(ApprovalRow).values(_columns(approval, version=0)))
            await _seat(session, approval)
            await self._tell(session, approval, happenings)
            await session.commit()

        try:
            await self._teller.recorded(work)
        except ConstraintViolatedError as error:
            raise ApprovalExistsError(approval.task.id) from error

    async def save(self, approval: Approval, happenings: Sequence[Happening]) -> Approval:
        """See `ApprovalStore.save`."""
        task, saved = approval.task, replace(approval, version=approval.version + 1)

        async def work(session: AsyncSession) -> None:
            changed = await session.execute(
                update(ApprovalRow)
                .where(
                    ApprovalRow.tenant == (task.tenant or ""),
                    ApprovalRow.id == task.id,
                    ApprovalRow.version == approval.version,
                )
                .values(_columns(saved, version=saved.version))
                .returning(ApprovalRow.id)
                .execution_options(synchronize_session=False)
            )
            if changed.one_or_none() is None:
                raise StaleApprovalError(task.id)
            await _seat(session, saved)
            if not saved.is_open and any(happening.action == "decided" for happening in happenings):
                await queued(session, task, outcome_of(saved), now=saved.closed_at or datetime.now(UTC))
            await self._tell(session, saved, happenings)
            await session.commit()

        await self._teller.recorded(work)
        return saved

    async def select(self, wanted: Filter, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[Approval]:
        """See `ApprovalStore.select`."""
        statement = _filtered(wanted)
        if after is not None:
            statement = statement.where(tuple_(ApprovalRow.created_at, ApprovalRow.id) < after)
        ordered = statement.order_by(ApprovalRow.created_at.desc(), ApprovalRow.id.desc()).limit(limit)
        async with self._db.reading() as session:
            return [_approval(row) for row in (await session.scalars(ordered)).all()]

    async def due(self, now: datetime, limit: int) -> Sequence[Approval]:
        """See `ApprovalStore.due`."""
        wanted = select(ApprovalRow).where(ApprovalRow.status == Status.OPEN, ApprovalRow.due_at <= now)
        async with self._db.reading() as session:
            rows = (await session.scalars(wanted.order_by(ApprovalRow.due_at).limit(limit))).all()
        return [_approval(row) for row in rows]

    async def _tell(self, session: AsyncSession, approval: Approval, happenings: Sequence[Happening]) -> None:
        for happening in happenings:
            await self._teller.tell(session, _told(approval, happening))


def _filtered(wanted: Filter) -> Select[ApprovalRow]:
    statement = select(ApprovalRow)
    if not wanted.all_tenants:
        statement = statement.where(ApprovalRow.tenant == (wanted.tenant or ""))
    if wanted.status is not None:
        statement = statement.where(ApprovalRow.status == wanted.status)
    if wanted.run_id is not None:
        statement = statement.where(ApprovalRow.run_id == wanted.run_id)
    actor = wanted.for_actor
    if actor is None:
        return statement
    of_it = and_(ApprovalSeatRow.tenant == ApprovalRow.tenant, ApprovalSeatRow.approval_id == ApprovalRow.id)
    role = ApprovalSeatRow.kind == "role"
    theirs = or_(
        and_(ApprovalSeatRow.kind == "user", ApprovalSeatRow.name == actor.name),
        role if actor.is_admin else and_(role, ApprovalSeatRow.name.in_(sorted(actor.roles))),
    )
    barred = and_(ApprovalSeatRow.kind == "barred", ApprovalSeatRow.name == actor.name)
    return statement.where(
        ApprovalRow.status == Status.OPEN,
        ApprovalRow.tenant == (actor.tenant or ""),
        exists().where(of_it, theirs),
        ~exists().where(of_it, barred),
    )


async def _seat(session: AsyncSession, approval: Approval) -> None:
    """Write who may decide, in place of what was written before; nobody may once it is settled."""
    tenant, approval_id = approval.task.tenant or "", approval.task.id
    mine = and_(ApprovalSeatRow.tenant == tenant, ApprovalSeatRow.approval_id == approval_id)
    await session.execute(delete(ApprovalSeatRow).where(mine).execution_options(synchronize_session=False))
    if not approval.is_open:
        return
    by_kind = {"user": approval.seats, "role": approval.candidates.roles, "barred": approval.barred}
    rows = [
        {"tenant": tenant, "approval_id": approval_id, "kind": kind, "name": name}
        for kind, names in by_kind.items()
        for name in sorted(names)
    ]
    if rows:
        await session.execute(insert(ApprovalSeatRow), rows)


def _columns(approval: Approval, *, version: int) -> dict[str, Any]:
    task = approval.task
    return {
        "tenant": task.tenant or "",
        "id": task.id,
        "status": approval.status.value,
        "run_id": task.run_id,
        "created_at": approval.created_at,
        "due_at": approval.due_at,
        "version": version,
        "document_json": _DOCUMENT.dump_json(approval).decode(),
    }


def _approval(row: ApprovalRow) -> Approval:
    return replace(_DOCUMENT.validate_json(row.document_json), version=row.version)


def _told(approval: Approval, happening: Happening) -> Told:
    task = approval.task
    event_type = APPROVAL_EVENTS.get(happening.action)
    announcement = None
    if event_type is not None:
        data = ApprovalChanged(
            approval_id=task.id,
            tenant=task.tenant,
            title=task.title,
            status=approval.status,
            by=happening.by,
            at=datetime.now(UTC),
            run_id=task.run_id,
            users=sorted(approval.seats),
            roles=sorted(approval.candidates.roles),
            due_at=approval.due_at,
            details=happening.details,
        )
        announcement = Announcement(event_type=event_type, data=data, key=task.id)
    return Told(
        actor=happening.by,
        action=f"approval.{happening.action}",
        resource=f"approval:{task.id}",
        tenant=task.tenant,
        details={"status": approval.status, **happening.details},
        announcement=announcement,
    )
