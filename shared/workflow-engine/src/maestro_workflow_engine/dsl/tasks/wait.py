"""`wait`: nothing, for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from maestro_workflow_engine.dsl._durations import Duration, parse_duration
from maestro_workflow_engine.dsl._expressions import IN_TASK
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node

FIELDS = ("wait",)
REQUIRED = ("wait",)


@dataclass(frozen=True)
class Wait:
    """How long to wait."""

    duration: Duration

    async def run(self, frame: Frame) -> Outcome:
        """Wait, then pass the input on."""
        duration = await frame.duration_of(self.duration, frame.input)
        await asyncio.sleep(duration.total_seconds())
        return Outcome(frame.input)


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Wait:
    """Read the task."""
    return Wait(parse_duration(fields["wait"], IN_TASK | scope))
