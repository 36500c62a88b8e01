"""What a move does, has done, and cannot do."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

import msgspec

from maestro_workflow_engine._records import RunStatus


class Outcome(StrEnum):
    """What becomes of a run or schedule."""

    MOVES = "moves"
    """It would be moved."""

    MOVED = "moved"
    """It has been moved."""

    UNDER_WAY = "under_way"
    """An interrupted move had begun with it; carrying out the move again finishes it."""

    STAYS = "stays"
    """It cannot be moved; the reasons say why. It is as it was."""


class MovedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run.

    Attributes:
        id: Its id, the same in both engines.
        workflow: Its workflow.
        version: The workflow's version.
        status: Where it stood.
        parent_id: The run that started it as a child; None for none.
        events: How many events of its history go along.
        unfinished_steps: Names of its steps that have not completed: they run again, at least once.
        outcome: What becomes of it.
        reasons: Why it stays. A run moves with its parent and children or not at all, so that the reason may be another's.
        notes: What is different for it afterwards.
    """

    id: str
    workflow: str
    version: str
    status: RunStatus
    parent_id: str | None = None
    events: int
    unfinished_steps: list[str] = []
    outcome: Outcome
    reasons: list[str] = []
    notes: list[str] = []


class MovedSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule.

    Attributes:
        id: Its id, the same in both engines.
        workflow: The workflow it starts.
        paused: Whether it starts nothing, before and after.
        outcome: What becomes of it.
        reasons: Why it stays.
        notes: What is different for it afterwards.
    """

    id: str
    workflow: str
    paused: bool
    outcome: Outcome
    reasons: list[str] = []
    notes: list[str] = []


class MoveReport(msgspec.Struct, frozen=True, kw_only=True):
    """A move as a whole.

    Attributes:
        source: The journal, as a URL.
        target: The engine that takes over, as a URL without options that name files.
        runs: The runs that have not ended, parents before their children.
        schedules: The schedules, by id.
        ended: How many runs have ended, by status; they stay.
        moved_before: How many runs earlier moves took away.
    """

    source: str
    target: str
    runs: list[MovedRun]
    schedules: list[MovedSchedule]
    ended: dict[str, int]
    moved_before: int

    @property
    def is_complete(self) -> bool:
        """Whether nothing has to stay."""
        return not self.staying

    @property
    def everything(self) -> list[MovedRun | MovedSchedule]:
        """The runs, then the schedules."""
        return [*self.runs, *self.schedules]

    @property
    def staying(self) -> list[MovedRun | MovedSchedule]:
        """What stays where it is."""
        return [each for each in self.everything if each.outcome is Outcome.STAYS]

    def counts(self) -> dict[tuple[str, str, str], int]:
        """Return how many runs there are by workflow, status and outcome."""
        found = Counter((run.workflow, str(run.status), str(run.outcome)) for run in self.runs)
        return dict(sorted(found.items()))
