"""Events: what callers may ask of the engine about them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from maestro_workflow_engine import WorkflowEngine


class Events:
    """The events that come to a running orchestrator.

    Args:
        engine: Runs the workflows; open.
    """

    def __init__(self, engine: WorkflowEngine) -> None:
        self._engine = engine

    async def publish(self, events: Sequence[dict[str, Any]]) -> list[bool]:
        """Take events in, in their order; returns once all are kept.

        Returns:
            Of each, whether it is new.

        Raises:
            WorkflowError: The engine refuses one: see `WorkflowEngine.publish_event`. Others of them may have been kept;
                all can be sent again.
        """
        return list(await asyncio.gather(*(self._engine.publish_event(event) for event in events)))
