"""Runs as callers see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from maestro.api.attribute_views import AttributeView, attribute_views
from maestro.domain.catalog import public_name
from maestro_workflow_engine import Failure, HistoryEvent, PausedWorkflow, RunDetail, RunInfo, RunStatus, Wait

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RunView(BaseModel):
    """A run as listings show it."""

    id: str
    workflow: str
    """"namespace/name"."""
    version: str
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None
    parent_id: str | None
    attributes: dict[str, AttributeView]
    """Its search attributes."""

    @classmethod
    def of(cls, run: RunInfo) -> RunView:
        """Show a run."""
        return cls.model_validate(_members(run))


class ErrorView(BaseModel):
    """What a run failed with."""

    type: str
    """Name of the exception's class."""
    message: str
    details: Any
    """For a task of a document, the error as an object (RFC 7807); else null."""
    traceback: str


class WaitView(BaseModel):
    """One thing that a run waits for."""

    kind: str
    """`step`, `timer`, `child` or `signal`; of a run that has not begun `queue`, `start` (a time) or `singleton`."""
    name: str | None
    """Of the step, the child workflow, the signal, the queue or the singleton key; null for a time."""
    until: datetime | None
    """When a timer fires, a failed step is tried again or a run begins at the earliest."""
    attempt: int | None
    """The attempt that a step is at."""
    place: int | None
    """The run's place in its queue, from 1."""


class HoldView(BaseModel):
    """The pause of a workflow."""

    version: str | None
    """The version that is paused; null for every version."""
    since: datetime
    reason: str | None
    """Why, where that was said."""

    @classmethod
    def of(cls, pause: PausedWorkflow | None) -> HoldView | None:
        """Show a pause, if there is one."""
        if pause is None:
            return None
        return cls(version=pause.version, since=pause.since, reason=pause.reason or None)


class RunDetailView(RunView):
    """A run in full."""

    input: Any
    output: Any
    error: ErrorView | None
    trace_id: str | None
    """The trace in which it was started; its steps are spans of it."""
    waiting_for: list[WaitView]
    problem: str | None
    """Why it cannot go on, in words; null when nothing is wrong."""
    workflow_paused: HoldView | None
    """The pause of its workflow, which it has to wait for; null when there is none, or it has ended."""
    ran_as: str | None
    """The id it had before another run was started anew under it; null for every other run."""
    moved_to: str | None
    """The URL of the engine where it goes on, when it was moved; its status is then `terminated`. Null for every other run."""
    history_purged_at: datetime | None
    """When its history was purged but for the first and the last event; null when it is whole."""

    @classmethod
    def of(cls, run: RunInfo) -> RunDetailView:
        """Show a run in full."""
        assert isinstance(run, RunDetail)
        return cls.model_validate(
            {
                **_members(run),
                "input": run.input,
                "output": run.output,
                "error": None if run.failure is None else _error(run.failure),
                "trace_id": None if run.trace is None else run.trace.split("-")[1],
                "waiting_for": [_wait(wait) for wait in run.waiting_for],
                "problem": run.problem,
                "ran_as": run.ran_as,
                "moved_to": run.moved_to,
                "history_purged_at": run.history_purged_at,
                "workflow_paused": HoldView.of(run.paused_with),
            }
        )


class RunList(BaseModel):
    """One page of runs."""

    runs: list[RunView]
    next_cursor: str | None
    """Pass it as `cursor` to get the next page; null on the last."""


def event_view(event: HistoryEvent) -> dict[str, Any]:
    """Show an event of a run's history.

    Args:
        event: The event.

    Returns:
        Position, time (ISO 8601, UTC) and type, and what belongs to the type.
    """
    return {"position": event.position, "time": event.time.isoformat(), "type": event.type, **event.data}


def _members(run: RunInfo) -> dict[str, Any]:
    return {
        "id": run.id,
        "workflow": public_name(run.workflow),
        "version": run.version,
        "status": run.status,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "parent_id": run.parent_id,
        "attributes": attribute_views(run.attributes) if run.attributes else {},
    }


def _error(failure: Failure) -> dict[str, Any]:
    argument = failure.args[0] if failure.args and len(failure.args) == 1 else None
    return {
        "type": failure.type.rpartition(":")[2],
        "message": failure.message,
        "details": argument if isinstance(argument, dict) else None,
        "traceback": failure.traceback,
    }


def _wait(wait: Wait) -> dict[str, Any]:
    until = None if wait.until is None else _EPOCH + timedelta(microseconds=wait.until)
    return {"kind": wait.kind, "name": wait.name, "until": until, "attempt": wait.attempt, "place": wait.place}
