"""Which workflows are paused, in memory. What is on disk is the same: it changes there first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from maestro_workflow_engine._records import PausedWorkflow, moment

ADD = "INSERT OR IGNORE INTO paused_workflows (workflow, version, since_us, reason) VALUES (?, ?, ?, ?)"
REMOVE = "DELETE FROM paused_workflows WHERE workflow = ? AND version = ?"
ALL = "SELECT workflow, version, since_us, reason FROM paused_workflows ORDER BY workflow, version"


@dataclass(frozen=True, slots=True)
class Pause:
    """A row of `paused_workflows`."""

    workflow: str
    version: str
    """Empty for every version."""

    since_us: int
    reason: str


class Pauses:
    """The pauses of a journal.

    Args:
        pauses: What is on disk.
    """

    def __init__(self, pauses: Iterable[Pause] = ()) -> None:
        self._pauses = {(pause.workflow, pause.version): pause for pause in pauses}

    def __bool__(self) -> bool:
        return bool(self._pauses)

    def add(self, pause: Pause) -> None:
        """Take note of a pause; one that is there already stays as it is."""
        self._pauses.setdefault((pause.workflow, pause.version), pause)

    def remove(self, workflow: str, version: str) -> bool:
        """Forget a pause; tell whether there was one."""
        return self._pauses.pop((workflow, version), None) is not None

    def find(self, workflow: str, version: str) -> Pause | None:
        """Return what holds the runs of a workflow and version; None when nothing does."""
        return self._pauses.get((workflow, "")) or self._pauses.get((workflow, version))

    def listing(self) -> list[Pause]:
        """Return every pause, by workflow and version."""
        return [self._pauses[key] for key in sorted(self._pauses)]


def record(pause: Pause) -> PausedWorkflow:
    """Return the public form of a pause."""
    return PausedWorkflow(
        workflow=pause.workflow,
        version=pause.version or None,
        since=moment(pause.since_us),
        reason=pause.reason,
    )
