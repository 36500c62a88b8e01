"""Going back in a run's history: forking a new run off it, and redriving a failed one from where it failed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from maestro_workflow_engine._errors import StepNotFoundError, WorkflowConflictError
from maestro_workflow_engine.embedded import _attribute_rows as attribute_rows
from maestro_workflow_engine.embedded import _queue_rows as rows
from maestro_workflow_engine.embedded._journal import NewRun, Statement, StatusChange, Write
from maestro_workflow_engine.embedded._loading import effective
from maestro_workflow_engine.embedded._opened import whole
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.machine import _events as ev

History = Sequence[tuple[int, ev.Event]]
_FAILURES = (ev.StepFailed, ev.ChildFailed)


def before_step(run_id: str, history: History, step: int) -> list[ev.Event]:
    """Return the events of a history up to where a step (a child, a timer) first shows.

    Args:
        run_id: The run.
        history: Its history.
        step: The sequence number, as history shows it.

    Returns:
        The events to begin a fork with.

    Raises:
        StepNotFoundError: No event has this number.
    """
    events = [event for _, event in effective(history)]
    for index, event in enumerate(events):
        if getattr(event, "seq", None) == step:
            return [event for event in events[:index] if not isinstance(event, (ev.RunPaused, ev.RunResumed))]
    raise StepNotFoundError(run_id, step, tuple(sorted({event.seq for event in events if hasattr(event, "seq")})))


def before_failure(run_id: str, history: History) -> list[ev.Event]:
    """Return the events of a history up to where its last failed step failed.

    Args:
        run_id: The run.
        history: Its history.

    Returns:
        The events to go on with.

    Raises:
        WorkflowConflictError: No step of it failed.
    """
    events = [event for _, event in effective(history)]
    for index in range(len(events) - 1, -1, -1):
        if isinstance(events[index], _FAILURES):
            return events[:index]
    raise WorkflowConflictError(run_id, f"no step of run {run_id!r} failed: its own code did; mend it and fork the run")


def forked(source: RunRow, events: Sequence[ev.Event], sealer: Sealer, *, key: int, run_id: str, now: int) -> Write:
    """Return the write that makes a new run with the beginning of another's history, sealed for the new one.

    Raises:
        PayloadError: A payload is too large to be kept.
    """
    started = events[0]
    admission = started.admission if isinstance(started, ev.RunStarted) else None
    also: tuple[Statement, ...] = ()
    if admission is not None:  # it counts in the queue; a key is the other run's
        admission = msgspec.structs.replace(admission, singleton=None, debounce=None, latest_us=None)
        events = [msgspec.structs.replace(started, admission=admission), *events[1:]]
        also = (rows.put(key, admission, begun=1),)
    row = NewRun(key, run_id, source.workflow, source.version, "running", now, None, None)
    objects: dict[str, bytes] = {}
    placed = [(key, position, sealer.seal(run_id, position, event, objects)) for position, event in enumerate(events)]
    also += attribute_rows.made(key, attribute_rows.attributes_of(events))
    return Write(lambda: None, row, placed, also=also, objects=objects)


def redrives(reader: JournalReader, sealer: Sealer, row: RunRow, now: int) -> list[tuple[RunRow, Write]]:
    """Return the writes that let a failed run go on from its last failed step, its failed child first.

    Args:
        reader: The journal.
        sealer: Seals what is written.
        row: The run.
        now: The time, in µs since the epoch.

    Returns:
        What to write, for each run that is to go on.

    Raises:
        WorkflowConflictError: The run has not failed, is a child, or no step of it failed.
        HistoryPurgedError: Its history, or that of the child that failed, is not whole any more.
    """
    parent = None if row.parent_key is None else reader.by_key(row.parent_key)
    if parent is not None and parent.status in (
        "running",
        "paused",
        "failed",
    ):  # one that ended well will not ask again
        raise WorkflowConflictError(row.id, f"run {row.id!r} is a child: retry {parent.id!r} instead")
    return _redrives(reader, sealer, row, now)


def _redrives(reader: JournalReader, sealer: Sealer, row: RunRow, now: int) -> list[tuple[RunRow, Write]]:
    if row.status != "failed":
        raise WorkflowConflictError(
            row.id, f"run {row.id!r} has not failed ({row.status}); only failed runs can be retried"
        )
    if row.ran_as is not None:
        raise WorkflowConflictError(
            row.id, f"run {row.id!r} cannot go on: another run was started under its id {row.ran_as!r}; fork it instead"
        )
    history = list(reader.history(whole(row).key))
    failed = next(((p, e) for p, e in reversed(effective(history)) if isinstance(e, _FAILURES)), None)
    if failed is None:
        raise WorkflowConflictError(
            row.id, f"no step of run {row.id!r} failed: its own code did; mend it and fork the run"
        )
    position, event = failed
    below = _reopened_children(reader, sealer, row, history, now)
    if isinstance(event, ev.ChildFailed):
        child = reader.by_id(event.run_id)
        if child is not None and child.parent_key == row.key:
            below += _redrives(reader, sealer, child, now)
    return [*below, (row, _redriven(sealer, row, history, position, now))]


def _redriven(sealer: Sealer, row: RunRow, history: History, dropped_from: int, now: int) -> Write:
    next_one, objects = history[-1][0] + 1, dict[str, bytes]()
    redriven = ev.RunRedriven(now, dropped_from)
    marker = sealer.seal(row.id, next_one, redriven, objects)
    left = [event for _, event in effective([*history, (next_one, redriven)])]
    dropped_some = any(isinstance(event, ev.AttributesSet) and at >= dropped_from for at, event in history)
    also = attribute_rows.rebuilt(row.key, attribute_rows.attributes_of(left)) if dropped_some else ()
    started = next((event for _, event in history if isinstance(event, ev.RunStarted)), None)
    if started is not None and started.admission is not None:
        also += (rows.put(row.key, started.admission, begun=1),)
    return Write(
        lambda: None,
        events=[(row.key, next_one, marker)],
        status=StatusChange(row.key, "running"),
        also=also,
        objects=objects,
    )


def _reopened_children(
    reader: JournalReader, sealer: Sealer, row: RunRow, history: History, now: int
) -> list[tuple[RunRow, Write]]:
    """Return the writes that let the children go on that were stopped because their parent closed.

    A child is one of them when it was stopped, its parent never heard of its end, and never asked it to stop.
    """
    events = [event for _, event in effective(history)]
    heard = {event.seq for event in events if isinstance(event, (ev.ChildCompleted, ev.ChildFailed, ev.ChildCancelled))}
    asked = {event.run_id for event in events if isinstance(event, ev.CancelSent)}
    found: list[tuple[RunRow, Write]] = []
    for child in reader.children(row.key):
        if child.status not in ("cancelled", "terminated") or child.parent_seq in heard or child.id in asked:
            continue
        below = list(reader.history(whole(child).key))
        stops = [p for p, e in effective(below) if isinstance(e, (ev.CancelRequested, ev.RunTerminated))]
        last = below[-1][1]
        if stops and not (isinstance(last, ev.RunTerminated) and last.moved_to):  # that one goes on elsewhere
            found += _reopened_children(reader, sealer, child, below, now)
            found.append((child, _redriven(sealer, child, below, stops[-1], now)))
    return found
