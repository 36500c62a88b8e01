"""The screens: what each shows, and from which services."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from maestro_core_api import APIClient, Principal

from .parts import Parts, gathered

ORCHESTRATOR: Final = "maestro-orchestrator"
REGISTRY: Final = "central-registry"
GOVERNANCE: Final = "governance-service"
_STATUSES: Final = ("queued", "running", "paused", "completed", "failed", "cancelled")
_LATEST: Final = 20
_APPROVALS: Final = 20
_KEPT: Final = 1_000


class Screens:
    """Puts the answers for screens together, as whoever asks: services show a caller what it may see.

    Args:
        orchestrator: An open client of the orchestrator, which calls as the caller.
        registry: The same of the registry; None where there is none.
        governance: The same of governance.
        patience: How long each service may take.
        keep: How long an answer is given again to the same caller.
    """

    def __init__(
        self,
        *,
        orchestrator: APIClient,
        registry: APIClient | None,
        governance: APIClient,
        patience: timedelta,
        keep: timedelta,
    ) -> None:
        self._orchestrator = orchestrator
        self._registry = registry
        self._governance = governance
        self._patience = patience
        self._keep_s = keep.total_seconds()
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, asyncio.Task[Parts]]] = OrderedDict()

    async def overview(self, caller: Principal) -> Parts:
        """How everything stands: runs by status, the latest runs, queues, services, approvals that wait."""
        own = _own_runs(caller)

        def ask() -> Mapping[str, tuple[str, Awaitable[Any]]]:
            return {
                "run_counts": (ORCHESTRATOR, self._counts(own)),
                "latest_runs": (
                    ORCHESTRATOR,
                    _get(self._orchestrator, "/runs", "runs", {**own, "limit": _LATEST}),
                ),
                "failed_runs": (
                    ORCHESTRATOR,
                    _get(self._orchestrator, "/runs", "runs", {**own, "status": "failed", "limit": _LATEST}),
                ),
                "queues": (ORCHESTRATOR, _get(self._orchestrator, "/queues", "queues")),
                "services": (REGISTRY, self._services()),
                "approvals": (GOVERNANCE, self._approvals({"status": "open"})),
            }

        return await self._remembered(("overview", *_who(caller)), ask)

    async def run(self, run_id: str, caller: Principal) -> Parts:
        """A run: itself, its history, its children, the approvals that it waits for and its audit trail."""
        path = f"/runs/{quote(run_id, safe='')}"

        def ask() -> Mapping[str, tuple[str, Awaitable[Any]]]:
            return {
                "run": (ORCHESTRATOR, _get(self._orchestrator, path)),
                "history": (ORCHESTRATOR, _get(self._orchestrator, f"{path}/history", "events")),
                "children": (
                    ORCHESTRATOR,
                    _get(self._orchestrator, "/runs", "runs", {"parent": run_id, "limit": 100}),
                ),
                "approvals": (GOVERNANCE, self._approvals({"run_id": run_id})),
            }

        return await self._remembered(("run", run_id, *_who(caller)), ask)

    async def services(self, caller: Principal) -> Parts:
        """The services: their instances, and how they score."""

        def ask() -> Mapping[str, tuple[str, Awaitable[Any]]]:
            return {
                "services": (REGISTRY, self._services()),
                "scorecards": (GOVERNANCE, _get(self._governance, "/scorecards", "scorecards")),
                "workflows": (ORCHESTRATOR, _get(self._orchestrator, "/workflows", "workflows")),
            }

        return await self._remembered(("services", *_who(caller)), ask)

    async def _remembered(
        self, key: tuple[Any, ...], ask: Callable[[], Mapping[str, tuple[str, Awaitable[Any]]]]
    ) -> Parts:
        """Give an answer again for a short while; those who ask meanwhile wait for the same one."""
        now = time.monotonic()
        known = self._kept.get(key)
        if known is not None and (not known[1].done() or now - known[0] < self._keep_s):
            return await asyncio.shield(known[1])
        task = asyncio.create_task(gathered(ask(), patience=self._patience))
        self._kept[key] = (now, task)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return await asyncio.shield(task)

    async def _counts(self, own: Mapping[str, Any]) -> dict[str, int]:
        found = await asyncio.gather(
            *(_get(self._orchestrator, "/runs/count", "count", {**own, "status": status}) for status in _STATUSES)
        )
        return dict(zip(_STATUSES, found, strict=True))

    async def _services(self) -> Any:
        if self._registry is None:
            raise ValueError("no registry is configured")
        return await _get(self._registry, "/services", "services")

    async def _approvals(self, params: Mapping[str, Any]) -> Any:
        found = await _get(self._governance, "/approvals", None, {**params, "limit": _APPROVALS})
        return found.get("approvals", found.get("items", []))


async def _get(client: APIClient, path: str, member: str | None = None, params: Mapping[str, Any] | None = None) -> Any:
    answer = (await client.get(path, params=params)).json()
    return answer if member is None else answer[member]


def _who(caller: Principal) -> tuple[Any, ...]:
    """Return what may make the answer another one."""
    return (caller.identity, caller.tenant, tuple(sorted(caller.roles)), tuple(sorted(caller.scopes)))


def _own_runs(caller: Principal) -> dict[str, Any]:
    return {} if caller.tenant is None else {"attribute": f'tenant:"{caller.tenant}"'}
