"""What the runner takes from the outside world. A test hands it a world of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from maestro_workflow_engine._stand_ins import StandIns
from maestro_workflow_engine.embedded._clock import Clock, WallClock
from maestro_workflow_engine.embedded._journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Time, disk and side effects."""

    clock: Clock = field(default_factory=WallClock)
    """The time. Default: the machine's."""

    journal: Callable[[str], Journal] = Journal
    """Opens the journal at a path. Default: one with a writer thread."""

    stand_ins: StandIns = field(default_factory=StandIns)
    """What runs in place of which step. Default: nothing."""
