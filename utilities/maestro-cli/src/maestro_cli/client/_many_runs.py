"""Calls about many runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from maestro_core_api import APIClient

_PAGE: Final = 100
_PORTION: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCriteria:
    """Which runs are meant: those that meet everything that is given."""

    status: Sequence[str] = ()
    """Where they stand; several are alternatives."""
    workflow: str | None = None
    """`namespace/name[:version]`."""
    parent: str | None = None
    id_prefix: str | None = None
    attributes: Sequence[str] = ()
    """As the orchestrator takes them: `name:value`."""
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None

    def params(self) -> dict[str, Any]:
        """Write them as the orchestrator's query parameters."""
        found: dict[str, Any] = {
            "status": list(self.status),
            "attribute": list(self.attributes),
            "workflow": self.workflow,
            "parent": self.parent,
            "id_prefix": self.id_prefix,
        }
        for name in ("created_after", "created_before", "finished_after", "finished_before"):
            moment: datetime | None = getattr(self, name)
            found[name] = None if moment is None else moment.isoformat()
        return {name: value for name, value in found.items() if value}


class ManyRunCalls:
    """What can be asked about many runs."""

    _client: APIClient

    async def runs(
        self, wanted: RunCriteria, *, order: str = "newest", limit: int
    ) -> tuple[list[Mapping[str, Any]], bool]:
        """List runs.

        Args:
            wanted: Which ones.
            order: Which come first: "newest" or "oldest".
            limit: How many at most.

        Returns:
            The runs, and whether there are more.
        """
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while True:
            params = {**wanted.params(), "order": order, "limit": min(limit - len(found), _PAGE)}
            page = (await self._client.get("/runs", params=params | _from(cursor))).json()
            found += page["runs"]
            cursor = page.get("next_cursor")
            if cursor is None or len(found) >= limit:
                return found, cursor is not None

    async def count(self, wanted: RunCriteria, *, action: str | None = None) -> int:
        """Count runs.

        Args:
            wanted: Which ones.
            action: Only those to which this can be done; None for all.

        Returns:
            How many there are.
        """
        params = wanted.params() | ({} if action is None else {"action": action})
        return int((await self._client.get("/runs/count", params=params)).json()["count"])

    async def act(
        self, action: str, wanted: RunCriteria, *, reason: str | None, cursor: str | None
    ) -> tuple[int, str | None]:
        """Do something to a portion of runs.

        Args:
            action: "cancel", "terminate", "pause", "resume" or "retry".
            wanted: Which runs are meant.
            reason: Kept in the history of each; None for none.
            cursor: Where to go on; None for the beginning.

        Returns:
            To how many it was done, and where to go on; None when that was all.
        """
        params = wanted.params() | {"limit": _PORTION} | _from(cursor)
        body = None if reason is None else {"reason": reason}
        portion = (await self._client.post(f"/runs/{action}", params=params, json=body)).json()
        return int(portion["runs"]), portion["next_cursor"]

    async def delete(self, run_id: str) -> int:
        """Delete a run that has ended, and its children with it.

        Args:
            run_id: The run.

        Returns:
            How many runs are gone.
        """
        return int((await self._client.delete(f"/runs/{quote(run_id, safe='')}")).json()["runs"])

    async def purge(self, old: Mapping[str, Any]) -> Mapping[str, Any]:
        """Delete the runs that ended long enough ago.

        Args:
            old: Which ones, as the orchestrator takes it.

        Returns:
            What is gone.
        """
        done: Mapping[str, Any] = (await self._client.post("/runs/purge", json=old)).json()
        return done

    async def preview_purge(self, old: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask what a purge would delete.

        Args:
            old: Which runs, as the orchestrator takes it.

        Returns:
            What would be gone.
        """
        found: Mapping[str, Any] = (await self._client.post("/runs/purge/preview", json=old)).json()
        return found


def _from(cursor: str | None) -> dict[str, str]:
    return {} if cursor is None else {"cursor": cursor}
