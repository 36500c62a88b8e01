"""Calls about queues."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from maestro_core_api import APIClient

JSON = Any
"""Any JSON value."""


class QueueCalls:
    """What can be asked about queues."""

    _client: APIClient

    async def queues(self) -> list[Mapping[str, JSON]]:
        """List the queues.

        Returns:
            All of them, by name.
        """
        found: list[Mapping[str, JSON]] = (await self._client.get("/queues")).json()["queues"]
        return found

    async def queue(self, name: str) -> Mapping[str, JSON]:
        """Fetch a queue as it stands.

        Args:
            name: Its name.

        Returns:
            The queue.
        """
        found: Mapping[str, JSON] = (await self._client.get(_queue(name))).json()
        return found

    async def pause_queue(self, name: str, reason: str | None) -> None:
        """Let nothing begin in a queue.

        Args:
            name: Its name.
            reason: Why; None for no reason.
        """
        await self._client.post(f"{_queue(name)}/pause", json={"reason": reason or ""})

    async def resume_queue(self, name: str) -> None:
        """Let runs of a queue begin again.

        Args:
            name: Its name.
        """
        await self._client.post(f"{_queue(name)}/resume")


def _queue(name: str) -> str:
    return f"/queues/{quote(name, safe='')}"
