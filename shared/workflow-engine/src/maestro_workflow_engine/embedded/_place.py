"""A run's place on its way to its beginning, as memory holds it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from maestro_workflow_engine.embedded._singletons import Ref
from maestro_workflow_engine.machine import _events as ev

NO_QUEUE = ""
"""The line of runs that wait for a time or a key alone; it has no limits."""


class Stage(Enum):
    """How far a run has come on its way to its beginning."""

    ARRIVING = auto()
    """Its first write is under way."""

    BEHIND = auto()
    """Another run holds its singleton key."""

    DELAYED = auto()
    """Its time has not come."""

    HELD = auto()
    """Somebody paused it."""

    IN_LINE = auto()
    STRANDED = auto()
    """It cannot be taken up: its workflow is not registered, or its input cannot be read."""

    BEGUN = auto()
    ENDING = auto()
    """Its last event is under way."""


@dataclass(slots=True, eq=False)
class Place:
    """What is kept in memory of a run that waits to begin, or has begun and counts."""

    key: int
    workflow: str
    admission: ev.Admission
    since_us: int
    stage: Stage = Stage.ARRIVING
    is_held: bool = False
    is_asked: bool = False
    """It was asked to stop for the sake of another run of its singleton key."""

    counts: bool = False
    """It has begun; it does so until its end is on disk."""

    alarm_us: int | None = None

    @property
    def line(self) -> str:
        """The name of its line."""
        return self.admission.queue or NO_QUEUE

    @property
    def tenant(self) -> str:
        """For whom it runs."""
        return self.admission.tenant or ""

    @property
    def singleton(self) -> Ref | None:
        """Its singleton key."""
        return None if self.admission.singleton is None else (self.workflow, self.admission.singleton)

    @property
    def debounce(self) -> Ref | None:
        """Its debounce key."""
        return None if self.admission.debounce is None else (self.workflow, self.admission.debounce)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A run whose first write is under way."""

    key: int
    workflow: str
