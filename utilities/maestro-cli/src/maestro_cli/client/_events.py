"""Calls about events."""

from collections.abc import Mapping
from typing import Any

from maestro_core_api import APIClient

JSON = Any
"""Any JSON value."""


class EventCalls:
    """What can be done with events."""

    _client: APIClient

    async def send_event(self, event: Mapping[str, JSON]) -> bool:
        """Send a CloudEvent; returns once it is kept.

        Args:
            event: The event in its JSON form.

        Returns:
            Whether it is new.
        """
        headers = {"content-type": "application/cloudevents+json"}
        taken = (await self._client.post("/events", json=event, headers=headers)).json()["events"]
        return bool(taken[0]["new"])
