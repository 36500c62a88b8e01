"""What the policies ask of their storage."""

from collections.abc import Sequence
from typing import Protocol

from ._records import Decision, PolicyVersion


class PolicyStore(Protocol):
    """Keeps versions of policies, and the latest decisions."""

    async def latest(self) -> Sequence[PolicyVersion]:
        """Return the version in force of each policy, by name."""
        ...

    async def current(self, name: str) -> PolicyVersion | None:
        """Return the version in force of a policy, or None when there is no such policy."""
        ...

    async def version(self, name: str, version: int) -> PolicyVersion | None:
        """Return a version of a policy, or None when there is none."""
        ...

    async def versions(self, name: str) -> Sequence[PolicyVersion]:
        """Return all versions of a policy, the oldest first; empty when there is no such policy."""
        ...

    async def add(self, version: PolicyVersion) -> None:
        """Keep a version, with its entry in the audit trail and its event.

        Raises:
            PolicyChangedError: There is one with this number already.
        """
        ...

    async def log(self, decision: Decision) -> None:
        """Keep a decision; the oldest ones go when there are more than are to be kept."""
        ...

    async def decision(self, decision_id: str, tenant: str | None, *, all_tenants: bool = False) -> Decision | None:
        """Return a decision of a tenant, or of any, or None when the log has none of this id."""
        ...

    async def decisions(
        self, *, policy: str | None, tenant: str | None, all_tenants: bool, before: int | None, limit: int
    ) -> Sequence[tuple[int, Decision]]:
        """Return decisions with their positions in the log, the latest first.

        Args:
            policy: Of which policy; None for all.
            tenant: Of which tenant.
            all_tenants: Whether those of all tenants are meant.
            before: Only those before this position.
            limit: How many at most.
        """
        ...
