"""What an engine does with events that come from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maestro_workflow_engine._cloud_events import cloud_event

if TYPE_CHECKING:
    from maestro_workflow_engine._runner import Runner


class EngineEvents:
    """The face of an engine that takes events in."""

    _runner: Runner

    async def publish_event(self, event: Mapping[str, Any]) -> bool:
        """Take in a CloudEvent; returns once it is kept, and with it that it has reached every run that listens for it.

        An event is told from others by its `source` and `id`: sent again within seven days (on a cluster, and before 20,000
        others), it is the same event, and goes to nobody a second time. Runs hear the events that come while they listen; those that nobody listens for go to nobody.

        Args:
            event: A CloudEvent 1.0 in its JSON form: `id`, `source`, `type`, and what else it has. Its content is in `data`
                (any JSON value) or `data_base64`.

        Returns:
            Whether it is new.

        Raises:
            CloudEventError: It is no CloudEvent.
            PayloadError: It is too large to be kept.
            JournalWriteError: It cannot be kept at the moment.
            ClusterUnreachableError: The cluster does not answer, or takes nothing at the moment.
        """
        return await self._runner.events.publish(cloud_event(event))
