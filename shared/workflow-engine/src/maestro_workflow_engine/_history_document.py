"""A run as a JSON document: what export writes, and import and replay read. Its format is kept like the journal's.

The members are those of `HistoryDocument`; each of its `events` is `{"position": …, "event": {…}}`, the event as the journal has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from maestro_workflow_engine._errors import HistoryFormatError
from maestro_workflow_engine._records import HistoryEvent
from maestro_workflow_engine.machine import _events as ev

FORMAT = "maestro-history"
FORMAT_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

HistorySource = Mapping[str, Any] | str | bytes | Path | Sequence[HistoryEvent]
"""What a history can be read from: a document, its JSON text, its file, or the events of `handle.history()`."""


class PlacedEvent(msgspec.Struct, frozen=True):
    """An event and its position; the event is kept as it was written."""

    position: int
    event: msgspec.Raw


class _Head(msgspec.Struct, frozen=True):
    format: str
    format_version: int


class HistoryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The document, read.

    `complete` is False when the journal it was rescued from had lost events of it; `sealed` is there when its payloads are as
    that journal had them, encrypted or elsewhere.
    """

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    run_id: str
    workflow: str | None
    version: str | None
    parent_id: str | None = None
    complete: bool = True
    sealed: bool | msgspec.UnsetType = msgspec.UNSET
    events: list[PlacedEvent]

    def as_json(self) -> dict[str, Any]:
        """Return the document as plain JSON values."""
        document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return document

    def decoded(self) -> list[tuple[int, ev.Event]]:
        """Return (position, event), in order.

        Raises:
            HistoryFormatError: An event cannot be read, or the events do not make a history.
        """
        if self.sealed is True:
            raise self._invalid(
                "its payloads are sealed; import it with an engine that has the codec and payload store"
            )
        found: list[tuple[int, ev.Event]] = []
        for placed in self.events:
            try:
                event = ev.decode_event(bytes(placed.event))
            except msgspec.DecodeError as error:
                raise self._invalid(f"its event at position {placed.position} cannot be read: {error}") from error
            if placed.position <= (found[-1][0] if found else -1):
                raise self._invalid(f"position {placed.position} does not come after the one before it")
            found.append((placed.position, event))
        kinds = [type(event) for _, event in found[:2]]
        if kinds[:1] != [ev.RunStarted] and kinds != [ev.RunContinued, ev.RunStarted]:
            raise self._invalid("it does not begin with the run's start")
        return found

    def _invalid(self, what: str) -> HistoryFormatError:
        return HistoryFormatError(f"the history of run {self.run_id!r} cannot be used: {what}")


def history_document(
    *, run_id: str, workflow: str, version: str, parent_id: str | None, rows: Iterable[tuple[int, bytes]]
) -> HistoryDocument:
    """Make the document of a run from its journal rows: (position, event bytes)."""
    return HistoryDocument(
        run_id=run_id,
        workflow=workflow,
        version=version,
        parent_id=parent_id,
        events=[PlacedEvent(position, msgspec.Raw(raw)) for position, raw in rows],
    )


def read_history(source: HistorySource) -> HistoryDocument:
    """Read a document.

    Args:
        source: The document, its JSON text, its file, or a run's events. Text that does not begin with a brace is a
            file's path.

    Returns:
        The document; of bare events without a workflow, and with the run id "history".

    Raises:
        HistoryFormatError: It cannot be read, is no history, or a newer release wrote it.
    """
    match source:
        case bytes():
            return _parse(source)
        case str() if source.lstrip().startswith("{"):
            return _parse(source.encode())
        case str() | Path():
            return _read_file(Path(source))
        case Mapping():
            try:
                return _parse(msgspec.json.encode(source))
            except (TypeError, ValueError) as error:
                raise HistoryFormatError(f"the history is no JSON: {error}") from error
        case _:
            events = [PlacedEvent(event.position, _journalled(event)) for event in source]
            return HistoryDocument(run_id="history", workflow=None, version=None, events=events)


def _read_file(path: Path) -> HistoryDocument:
    try:
        return _parse(path.read_bytes())
    except OSError as error:
        raise HistoryFormatError(f"{path} cannot be read: {error.strerror}") from error
    except HistoryFormatError as error:
        raise HistoryFormatError(f"{path}: {error}") from error


def _parse(data: bytes) -> HistoryDocument:
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT:
            raise HistoryFormatError(f"this is no exported history: its format is {head.format!r}, not {FORMAT!r}")
        if head.format_version > FORMAT_VERSION:
            raise HistoryFormatError(
                f"the history has format version {head.format_version}; this release reads up to {FORMAT_VERSION}. "
                "Upgrade maestro-workflow-engine."
            )
        return msgspec.json.decode(data, type=HistoryDocument)
    except msgspec.DecodeError as error:
        raise HistoryFormatError(f"this is no exported history: {error}") from error


def _journalled(event: HistoryEvent) -> msgspec.Raw:
    time_us = (event.time - _EPOCH) // timedelta(microseconds=1)
    return msgspec.Raw(msgspec.json.encode({"type": event.type, "time": time_us, **event.data}))
