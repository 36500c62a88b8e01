"""Which workflows are paused, in memory. What is on disk is the same: it changes there first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from maestro_workflow_engine._payload_errors import PayloadUnreadableError
from maestro_workflow_engine._records import PausedWorkflow, moment
from maestro_workflow_engine.embedded._sealing import Sealer

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
    reason: bytes
    """As JSON, sealed."""


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


def sealed(pause: Pause, reason: str, sealer: Sealer) -> Pause:
    """Return a pause with its reason.

    Raises:
        PayloadError: The reason is too large to be kept.
    """
    return replace(pause, reason=sealer.seal_value(_owner(pause), "reason", msgspec.json.encode(reason)))


def record(pause: Pause, sealer: Sealer) -> PausedWorkflow:
    """Return the public form of a pause. In place of a reason that cannot be read stands why."""
    try:
        reason = msgspec.json.decode(sealer.open_value(_owner(pause), "reason", pause.reason), type=str)
    except PayloadUnreadableError as error:
        reason = str(error)
    return PausedWorkflow(
        workflow=pause.workflow, version=pause.version or None, since=moment(pause.since_us), reason=reason
    )


def _owner(pause: Pause) -> str:
    return f"paused workflow {pause.workflow}:{pause.version}"
