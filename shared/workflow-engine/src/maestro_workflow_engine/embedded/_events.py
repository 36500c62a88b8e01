"""Events from outside, once the disk can take them."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.embedded._opened import Opened


class EmbeddedEvents:
    """Takes events in; each call returns once the event is on disk."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    async def publish(self, event: dict[str, Any]) -> bool:
        """Take in an event; see `EventHub.publish`.

        Raises:
            JournalWriteError: The disk refuses at the moment; the event was not taken.
            PayloadError: It is too large to be kept.
        """
        failure = self._opened.journal.failure or self._opened.uploads.failure
        if failure is not None:
            raise failure
        return await self._opened.core.events.publish(event)
