"""Priority and tenant as the cluster has them: five levels, and a key by which it takes turns."""

from __future__ import annotations

import hashlib

from temporalio.common import Priority

_LONGEST_KEY_BYTES = 64  # the cluster's limit


def priority_of(queue: str | None, priority: int, tenant: str | None) -> Priority:
    """Return the priority of a run.

    Args:
        queue: The queue it is started in; None for no priority at all.
        priority: 0 (most urgent) to 9; two of them are one of the cluster's levels, 1 to 5.
        tenant: For whom it runs; a long name is told apart by its hash.
    """
    if queue is None:
        return Priority.default
    if tenant is not None and len(tenant.encode()) > _LONGEST_KEY_BYTES:
        tenant = hashlib.sha256(tenant.encode()).hexdigest()[:_LONGEST_KEY_BYTES]
    return Priority(priority_key=priority // 2 + 1, fairness_key=tenant)
