"""A stand-in for the disk, for tests of the rules of approvals."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from governance_service.approvals.domain import (
    AmbiguousApprovalError,
    Approval,
    ApprovalExistsError,
    Filter,
    Happening,
    StaleApprovalError,
)


class MemoryApprovals:
    """An `ApprovalStore` in memory.

    Attributes:
        kept: The approvals by tenant and id.
        told: Everything that was told, in order, with the id it was about.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[str | None, str], Approval] = {}
        self.told: list[tuple[str, Happening]] = []

    async def find(self, approval_id: str, tenant: str | None, *, all_tenants: bool = False) -> Approval | None:
        """See `ApprovalStore.find`."""
        if not all_tenants:
            return self.kept.get((tenant, approval_id))
        found = [one for (_, known), one in self.kept.items() if known == approval_id]
        if len(found) > 1:
            raise AmbiguousApprovalError(approval_id, [one.task.tenant for one in found])
        return found[0] if found else None

    async def add(self, approval: Approval, happenings: Sequence[Happening]) -> None:
        """See `ApprovalStore.add`."""
        key = (approval.task.tenant, approval.task.id)
        if key in self.kept:
            raise ApprovalExistsError(approval.task.id)
        self.kept[key] = approval
        self.told += [(approval.task.id, happening) for happening in happenings]

    async def save(self, approval: Approval, happenings: Sequence[Happening]) -> Approval:
        """See `ApprovalStore.save`."""
        key = (approval.task.tenant, approval.task.id)
        if self.kept[key].version != approval.version:
            raise StaleApprovalError(approval.task.id)
        self.kept[key] = replace(approval, version=approval.version + 1)
        self.told += [(approval.task.id, happening) for happening in happenings]
        return self.kept[key]

    async def select(self, wanted: Filter, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[Approval]:
        """See `ApprovalStore.select`."""
        found = [
            one
            for (tenant, _), one in self.kept.items()
            if (wanted.all_tenants or tenant == wanted.tenant)
            and wanted.status in {None, one.status}
            and wanted.run_id in {None, one.task.run_id}
            and (wanted.for_actor is None or (one.is_open and one.is_for(wanted.for_actor)))
            and (after is None or (one.created_at, one.task.id) < after)
        ]
        return sorted(found, key=lambda one: (one.created_at, one.task.id), reverse=True)[:limit]

    async def due(self, now: datetime, limit: int) -> Sequence[Approval]:
        """See `ApprovalStore.due`."""
        found = [one for one in self.kept.values() if one.is_open and one.due_at is not None and one.due_at <= now]
        return sorted(found, key=lambda one: one.due_at or now)[:limit]
