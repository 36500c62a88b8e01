"""Events from outside."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine.temporal._waits import Waits
from maestro_workflow_engine.temporal.events._client import HubClient
from maestro_workflow_engine.temporal.events._link import EventOptions
from maestro_workflow_engine.temporal.events._wire import Published

_AGAIN_FIRST_S = 0.02
_AGAIN_LONGEST_S = 1.0


class TemporalEvents:
    """Takes events in; each call returns once the cluster has them."""

    def __init__(self, hub: HubClient, options: EventOptions, waits: Waits) -> None:
        self._hub = hub
        self._options = options
        self._waits = waits

    async def publish(self, event: dict[str, Any]) -> bool:
        """Take in an event that was checked, and tell whether it is new.

        Raises:
            PayloadError: It is too large.
            ClusterUnreachableError: The cluster does not answer.
            EngineClosedError: The engine closed before it had.
        """
        data = msgspec.json.encode(event)
        problem = self._options.problem_of(data)
        if problem is not None:
            raise PayloadError(problem)
        return await self._waits.until(self._taken(Published(msgspec.Raw(data))))

    async def _taken(self, message: Published) -> bool:
        delay = _AGAIN_FIRST_S
        while True:
            answer = await self._hub.tell(message)
            if answer.is_taken:
                return answer.is_new
            await asyncio.sleep(delay)  # the hub begins anew
            delay = min(2 * delay, _AGAIN_LONGEST_S)
