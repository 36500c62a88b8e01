"""What the inbox asks of its storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ._approval import Approval, Status
from ._happenings import Happening
from ._people import Actor


@dataclass(frozen=True, slots=True)
class Filter:
    """Which approvals are meant."""

    tenant: str | None
    all_tenants: bool = False
    status: Status | None = None
    for_actor: Actor | None = None
    """Only those that this person may decide now."""
    run_id: str | None = None


class ApprovalStore(Protocol):
    """Keeps approvals."""

    async def find(self, approval_id: str, tenant: str | None, *, all_tenants: bool = False) -> Approval | None:
        """Return an approval of a tenant, or None when it has none of this id.

        Raises:
            AmbiguousApprovalError: Those of all tenants were asked for, and several have one.
        """
        ...

    async def add(self, approval: Approval, happenings: Sequence[Happening]) -> None:
        """Keep a new approval, with what is to be told of it, all or nothing.

        Raises:
            ApprovalExistsError: The tenant has one of this id.
        """
        ...

    async def save(self, approval: Approval, happenings: Sequence[Happening]) -> Approval:
        """Keep a change, with what is to be told of it, all or nothing.

        Args:
            approval: As it is now; its version is the one that was read.
            happenings: What happened. When it is settled, its run is told too.

        Returns:
            It, with its new version.

        Raises:
            StaleApprovalError: Somebody else changed it since it was read.
        """
        ...

    async def select(self, wanted: Filter, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[Approval]:
        """Return approvals, the latest first.

        Args:
            wanted: Which.
            after: Only those behind this one: when it was asked for, and its id.
            limit: How many at most.
        """
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Approval]:
        """Return open approvals whose time is over, those that wait longest first."""
        ...
