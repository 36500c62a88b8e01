"""Calls about schedules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from maestro_core_api import APIClient

JSON = Any
"""Any JSON value."""
_PAGE: Final = 100


class ScheduleCalls:
    """What can be asked about schedules."""

    _client: APIClient

    async def schedules(self) -> list[Mapping[str, JSON]]:
        """List the schedules.

        Returns:
            All of them, by id.
        """
        found: list[Mapping[str, JSON]] = []
        cursor: str | None = None
        while True:
            params: dict[str, JSON] = {"limit": _PAGE} if cursor is None else {"limit": _PAGE, "cursor": cursor}
            page = (await self._client.get("/schedules", params=params)).json()
            found += page["schedules"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def schedule(self, schedule_id: str) -> Mapping[str, JSON]:
        """Fetch a schedule.

        Args:
            schedule_id: Its id.

        Returns:
            The schedule.
        """
        found: Mapping[str, JSON] = (await self._client.get(_schedule(schedule_id))).json()
        return found

    async def create_schedule(self, schedule_id: str, definition: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Make a schedule; an id that is taken is refused.

        Args:
            schedule_id: Its id.
            definition: What it starts, and when.

        Returns:
            The schedule.
        """
        body = {"id": schedule_id, **definition}
        made: Mapping[str, JSON] = (await self._client.post("/schedules", json=body)).json()
        return made

    async def define_schedule(self, schedule_id: str, definition: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Make a schedule, or give the one of this id a new definition.

        Args:
            schedule_id: Its id.
            definition: What it starts, and when.

        Returns:
            The schedule.
        """
        put: Mapping[str, JSON] = (await self._client.put(_schedule(schedule_id), json=definition)).json()
        return put

    async def change_schedule(self, schedule_id: str, changes: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Change some settings of a schedule.

        Args:
            schedule_id: Its id.
            changes: What changes.

        Returns:
            The schedule.
        """
        response = await self._client.request("PATCH", _schedule(schedule_id), json=changes)
        changed: Mapping[str, JSON] = response.json()
        return changed

    async def steer_schedule(self, schedule_id: str, action: str, reason: str | None = None) -> Mapping[str, JSON]:
        """Pause, resume or trigger a schedule.

        Args:
            schedule_id: Its id.
            action: "pause", "resume" or "trigger".
            reason: Why it is paused; None for no reason.

        Returns:
            The schedule; of a trigger, the run.
        """
        body = None if reason is None else {"reason": reason}
        answer: Mapping[str, JSON] = (await self._client.post(f"{_schedule(schedule_id)}/{action}", json=body)).json()
        return answer

    async def backfill(self, schedule_id: str, start: datetime, end: datetime) -> list[str]:
        """Start a run for each past time of a range.

        Args:
            schedule_id: The schedule.
            start: The first time, aware.
            end: Where to stop, aware.

        Returns:
            The runs' ids.
        """
        body = {"start": start.isoformat(), "end": end.isoformat()}
        runs: list[str] = (await self._client.post(f"{_schedule(schedule_id)}/backfill", json=body)).json()["runs"]
        return runs

    async def delete_schedule(self, schedule_id: str) -> None:
        """Forget a schedule.

        Args:
            schedule_id: Its id.
        """
        await self._client.delete(_schedule(schedule_id))


def _schedule(schedule_id: str) -> str:
    return f"/schedules/{quote(schedule_id, safe='')}"
