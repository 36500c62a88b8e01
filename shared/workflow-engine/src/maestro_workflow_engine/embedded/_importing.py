"""Putting a run from another journal into this one, as a whole or not at all."""

from __future__ import annotations

import asyncio

import msgspec

from maestro_workflow_engine._errors import HistoryFormatError, JournalWriteError, WorkflowConflictError
from maestro_workflow_engine._history_document import HistoryDocument, PlacedEvent
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.embedded import _attribute_rows as attribute_rows
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._journal import NewRun, Statement, StatusChange, Write
from maestro_workflow_engine.embedded._loading import effective
from maestro_workflow_engine.embedded._queue_rows import put
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _events as ev

_ENDS: dict[type, RunStatus] = {kind: RunStatus(ev.kind_of(kind).removeprefix("run_")) for kind in ev.TERMINAL}


async def import_run(
    core: Core, reader: JournalReader, uploads: Uploads, sealer: Sealer, document: HistoryDocument, run_id: str
) -> None:
    """Keep a run's history under an id that is free; a run that has not ended then goes on.

    Args:
        core: The runner's core.
        reader: Reads the journal.
        uploads: Writes the journal.
        sealer: Seals the events for their place in this journal.
        document: The run.
        run_id: Its id here.

    Raises:
        HistoryFormatError: The document is no whole history, or names no workflow.
        WorkflowConflictError: There is a run with this id.
        PayloadError: A payload is too large to be kept.
        PayloadUnreadableError: The document was rescued from an encrypted journal, and a payload cannot be read.
        JournalWriteError: The disk refuses; there is no such run.
    """
    if document.sealed is True:
        document = _opened(document, sealer)
    workflow, version, events = document.workflow, document.version, document.decoded()
    if workflow is None or version is None:
        raise HistoryFormatError(f"the history of run {document.run_id!r} does not say of which workflow and version")
    if not document.complete:
        raise HistoryFormatError(f"the history of run {document.run_id!r} has gaps: what was lost cannot be made up")
    if run_id in core.importing or core.live(run_id) is not None or reader.by_id(run_id) is not None:
        raise WorkflowConflictError(run_id, f"there is a run {run_id!r} already")
    objects: dict[str, bytes] = {}
    rows = [
        (placed.position, sealer.seal_bytes(run_id, placed.position, _compact(placed.event), objects))
        for placed in document.events
    ]
    key, last = core.new_key(), events[-1][1]
    started = next(event for _, event in events if isinstance(event, ev.RunStarted))
    held = [event for _, event in events if isinstance(event, (ev.RunPaused, ev.RunResumed))]
    is_paused = bool(held) and isinstance(held[-1], ev.RunPaused)
    begun = started.admission is None or any(isinstance(event, ev.RunAdmitted) for _, event in events)
    running = RunStatus.RUNNING if begun else RunStatus.QUEUED
    status = _ENDS.get(type(last), RunStatus.PAUSED if is_paused else running)
    also: tuple[Statement, ...] = ()
    if status.is_open and started.admission is not None:
        also = (put(key, started.admission, begun=int(begun)),)
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def durable() -> None:
        core.importing.discard(run_id)
        if also:
            core.admissions.adopt(key)
        if status is RunStatus.RUNNING:
            core.residents.load(key)
        if not done.done():
            done.set_result(None)

    def failed(error: JournalWriteError) -> None:
        core.importing.discard(run_id)
        if not done.done():
            done.set_exception(error)

    core.importing.add(run_id)
    uploads.submit(
        Write(
            durable,
            NewRun(key, run_id, workflow, version, RunStatus.RUNNING.value, started.time, None, None),
            [(key, position, data) for position, data in rows],
            status=None
            if status is RunStatus.RUNNING
            else StatusChange(key, status.value, None if status.is_open else last.time),
            on_failed=failed,
            also=(
                *also,
                *attribute_rows.made(key, attribute_rows.attributes_of([event for _, event in effective(events)])),
            ),
            objects=objects,
        )
    )
    await done


def _opened(document: HistoryDocument, sealer: Sealer) -> HistoryDocument:
    events = []
    for position, event in ((placed.position, _compact(placed.event)) for placed in document.events):
        plain = sealer.open(document.run_id, position, event, {})
        events.append(PlacedEvent(position, msgspec.Raw(plain)))
    return msgspec.structs.replace(document, events=events, sealed=msgspec.UNSET)


def _compact(event: msgspec.Raw) -> bytes:
    return msgspec.json.format(bytes(event), indent=-1)  # the document may have been laid out for people
