"""Replay for CI: does today's code still fit the histories of yesterday's runs?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import HistoryFormatError, WorkflowError
from maestro_workflow_engine._history_document import HistoryDocument, HistorySource, read_history
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded._loading import replay as _take_through
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine._events import RunTerminated
from maestro_workflow_engine.machine._pending import Wait


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """A history that fits the code.

    Attributes:
        run_id: The run; "history" when the history did not say.
        workflow: The name of the workflow that was replayed.
        version: Its version.
        events: How many events were replayed.
        status: Where the code stands after the last of them. A run that ends there is more than its history holds, when it
            was exported in the moment before its end.
        waiting_for: What it then waits for.
    """

    run_id: str
    workflow: str
    version: str
    events: int
    status: RunStatus
    waiting_for: list[Wait] = []


def replay(history: HistorySource, workflow: WorkflowDefinition[..., Any]) -> ReplayResult:
    """Take a workflow's code through the history of a run. No step runs and nothing is written.

    Args:
        history: What `handle.export_history()` returned, its JSON text, the path of a file with it, or the events of
            `handle.history()`.
        workflow: The workflow. Its version may be another than the run's.

    Returns:
        How far the code came: the whole history.

    Raises:
        NonDeterminismError: The code takes another path; tells run, position, what was expected and what was found.
        HistoryFormatError: The history cannot be read, has gaps, or is of another workflow.
    """
    return _replayed(read_history(history), workflow)


def replay_all(folder: Path | str, workflows: Iterable[WorkflowDefinition[..., Any]]) -> list[ReplayResult]:
    """Replay every history of a folder (`*.json`), each on the workflow and version that it names.

    Args:
        folder: The folder.
        workflows: The workflows, every version that histories need.

    Returns:
        What came of each, in the order of the files' names.

    Raises:
        ExceptionGroup: Histories do not fit or cannot be read: one error for each, with the file's name as a note.
        HistoryFormatError: There is no history in the folder.
    """
    registry = WorkflowRegistry(workflows)
    results: list[ReplayResult] = []
    errors: list[WorkflowError] = []
    paths = sorted(Path(folder).glob("*.json"))
    if not paths:
        raise HistoryFormatError(f"there is no history (*.json) in {folder}")
    for path in paths:
        try:
            document = read_history(path)
            results.append(_replayed(document, registry.find(document.workflow or "", document.version)))
        except WorkflowError as error:
            error.add_note(f"in {path}")
            errors.append(error)
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(paths)} histories in {folder} do not fit", errors)
    return results


def _replayed(document: HistoryDocument, workflow: WorkflowDefinition[..., Any]) -> ReplayResult:
    if document.workflow not in (None, workflow.name):
        raise HistoryFormatError(
            f"run {document.run_id!r} is one of workflow {document.workflow!r}, not of {workflow.name!r}"
        )
    if not document.complete:
        raise HistoryFormatError(
            f"the history of run {document.run_id!r} has gaps: it was rescued from a damaged journal"
        )
    events = document.decoded()
    machine = _take_through(workflow, document.run_id, document.parent_id, events)
    try:
        return ReplayResult(
            run_id=document.run_id,
            workflow=workflow.name,
            version=workflow.version,
            events=len(document.events),
            status=RunStatus.TERMINATED if isinstance(events[-1][1], RunTerminated) else _status(machine),
            waiting_for=machine.waiting_for,
        )
    finally:
        machine.drop()


_ENDED: dict[type[cmd.Command], RunStatus] = {
    cmd.CompleteRun: RunStatus.COMPLETED,
    cmd.FailRun: RunStatus.FAILED,
    cmd.CancelRun: RunStatus.CANCELLED,
}


def _status(machine: WorkflowMachine) -> RunStatus:
    if not machine.done:
        return RunStatus.RUNNING if machine.begun else RunStatus.QUEUED
    return _ENDED.get(type(machine.outstanding()[-1]), RunStatus.RUNNING)
