"""What callers see of runs: status, listing, history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from maestro_workflow_engine._attributes import AttributeValue
from maestro_workflow_engine._failure import Failure
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._pending import Wait


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    """It waits to begin: in a queue, for a time, or for another run of its key."""

    RUNNING = "running"
    """It has not ended: it works, waits or sleeps."""

    PAUSED = "paused"
    """Somebody paused it; nothing of it is started until it is resumed."""

    COMPLETED = "completed"
    """It returned."""

    FAILED = "failed"
    """It raised."""

    CANCELLED = "cancelled"
    """It was cancelled."""

    TERMINATED = "terminated"
    """It was ended from outside, without being asked."""

    @property
    def is_open(self) -> bool:
        """Whether the run has not ended."""
        return self in _OPEN


_OPEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED})


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A run as listings show it. Times are UTC; `attributes` are its search attributes as they are on disk."""

    id: str
    workflow: str
    version: str
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None = None
    parent_id: str | None = None
    attributes: dict[str, AttributeValue] = {}


class PausedWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow whose runs are paused.

    Attributes:
        workflow: Its name.
        version: The version that is paused; None for every version.
        since: When it was paused, UTC.
        reason: Why, as given.
    """

    workflow: str
    version: str | None = None
    since: datetime
    reason: str = ""


class RunDetail(RunInfo, frozen=True, kw_only=True):
    """A run in full.

    Attributes:
        input: The input value, as JSON.
        output: The result, as JSON; None unless completed.
        failure: What it failed with; None unless failed.
        trace: The W3C traceparent of whoever started it.
        waiting_for: What it waits for at the moment.
        problem: Why it cannot go on, in words; None when nothing is wrong.
        ran_as: The id it had before another run was started anew under it; None for every other run.
        paused_with: The pause of its workflow, which it has to wait for; None when there is none, or it has ended. A run that
            is paused by itself has the status `paused`.
        moved_to: The URL of the engine where it goes on, when it was moved; its status is then `terminated`.
        history_purged_at: When its history was purged but for the first and the last event; None when it is whole.
    """

    input: Any = None
    output: Any = None
    failure: Failure | None = None
    trace: str | None = None
    waiting_for: list[Wait] = []
    problem: str | None = None
    ran_as: str | None = None
    moved_to: str | None = None
    paused_with: PausedWorkflow | None = None
    history_purged_at: datetime | None = None


class RunPage(msgspec.Struct, frozen=True):
    """One page of a listing.

    Attributes:
        runs: The runs.
        next_cursor: Pass it to get the next page; None on the last.
    """

    runs: list[RunInfo]
    next_cursor: str | None = None


class HistoryEvent(msgspec.Struct, frozen=True):
    """One event of a run's history.

    Attributes:
        position: Its place; grows, with gaps where a write was refused.
        time: When it was journalled, UTC.
        type: `run_started`, `step_completed`, `timer_fired` …
        data: What belongs to its type, as JSON values.
    """

    position: int
    time: datetime
    type: str
    data: dict[str, Any]

    @property
    def is_last(self) -> bool:
        """Whether the run ended with this event."""
        return self.type in _LAST


_LAST = frozenset({"run_completed", "run_failed", "run_cancelled", "run_terminated"})


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(us: int) -> datetime:
    """Return the aware UTC datetime of microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=us)


def history_event(position: int, raw: bytes) -> HistoryEvent:
    """Make the public form of a journalled event."""
    data = msgspec.json.decode(raw)
    kind = data.pop("type")
    return HistoryEvent(position, moment(data.pop("time")), kind, data)


def terminal(event: ev.Event) -> tuple[Any, Failure | None]:
    """Return output and failure of a run's last event."""
    if isinstance(event, ev.RunCompleted):
        return msgspec.json.decode(event.output), None
    if isinstance(event, ev.RunFailed):
        return None, event.failure
    return None, None
