"""What is due to be purged, what holds it back, and in which portions it goes. Pure decisions: no clock, no disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import Enum, auto

import msgspec

from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._retention import PurgeReport, Retention

_MICROSECOND = timedelta(microseconds=1)
MOST_RUNS = 200
MOST_EVENTS = 1_000
MOST_BYTES = 1024 * 1024


class Fate(Enum):
    """What becomes of a run."""

    KEEP = auto()
    SHORTEN = auto()
    """Its events between the first and the last go."""

    DELETE = auto()


class EndedRun(msgspec.Struct, frozen=True, array_like=True):
    """A run that has ended, and its relatives as far as they matter."""

    key: int
    id: str
    workflow: str
    status: str
    finished_us: int
    parent_id: str | None = None
    parent_status: str | None = None
    has_open_children: bool = False


class Extent(msgspec.Struct, frozen=True):
    """What the journal has of a run: all events, and those between the positions `first` and `last`, which can go before it."""

    events: int
    bytes: int
    first: int
    last: int
    events_between: int
    bytes_between: int


class Cut(msgspec.Struct, frozen=True):
    """Events of a run that go, by position: those after `after` and before `before`."""

    key: int
    finished_us: int
    after: int
    before: int


class Portion(msgspec.Struct, frozen=True):
    """What goes in one transaction; `deleted` are (key, finished_us) of whole runs. `report` counts what is done with it."""

    cuts: list[Cut] = []
    deleted: list[tuple[int, int]] = []
    report: PurgeReport = PurgeReport()


def fate(run: EndedRun, retention: Retention, now_us: int) -> Fate:
    """Say what is due for a run by its workflow's rule."""
    rule = retention.of(run.workflow)
    age_us = now_us - run.finished_us
    keep: timedelta | None = getattr(rule, run.status)
    if keep is not None and age_us >= keep // _MICROSECOND:
        return Fate.DELETE
    if rule.history is not None and age_us >= rule.history // _MICROSECOND:
        return Fate.SHORTEN
    return Fate.KEEP


def held_back(run: EndedRun, wanted: Fate) -> str | None:
    """Say why a run, or its history, cannot go yet; None when it can.

    An open child knows its parent's id and would see another one in a replay. The retry of a parent redrives the child that failed.
    """
    if wanted is Fate.DELETE and run.has_open_children:
        return f"a child of run {run.id!r} has not ended"
    if run.status == RunStatus.FAILED and run.parent_status is not None:
        parent = RunStatus(run.parent_status)
        if parent.is_open or parent is RunStatus.FAILED:
            return f"run {run.id!r} is needed for a retry of its parent {run.parent_id!r}"
    return None


def portions(due: Iterable[tuple[EndedRun, Fate, Extent]]) -> Iterator[Portion]:
    """Divide what is due into transactions of a few milliseconds.

    A run that is too large for one loses its middle first, from the beginning on, and then goes.
    """
    gathered = Portion()
    for run, wanted, extent in due:
        part = _part(run, wanted, extent)
        together = _joined(gathered, part)
        if _is_too_large(together.report) and not _is_empty(gathered):
            yield gathered
            together = part
        if _is_too_large(part.report):
            *pieces, end = _cuts(run, extent) if extent.events_between else [None]
            yield from (Portion([piece]) for piece in pieces if piece is not None)
            yield msgspec.structs.replace(part, cuts=[] if end is None else [end])
            together = Portion()
        gathered = together
    if not _is_empty(gathered):
        yield gathered


def _part(run: EndedRun, wanted: Fate, extent: Extent) -> Portion:
    if wanted is Fate.DELETE:
        report = PurgeReport(runs=1, events=extent.events, event_bytes=extent.bytes)
        return Portion(deleted=[(run.key, run.finished_us)], report=report)
    report = PurgeReport(shortened=1, events=extent.events_between, event_bytes=extent.bytes_between)
    return Portion([Cut(run.key, run.finished_us, extent.first, extent.last)], report=report)


def _joined(one: Portion, other: Portion) -> Portion:
    return Portion(one.cuts + other.cuts, one.deleted + other.deleted, added(one.report, other.report))


def added(one: PurgeReport, other: PurgeReport) -> PurgeReport:
    """Return the sum of two reports."""
    fields = PurgeReport.__struct_fields__
    return PurgeReport(**{name: getattr(one, name) + getattr(other, name) for name in fields})


def _is_too_large(report: PurgeReport) -> bool:
    return report.runs + report.shortened > MOST_RUNS or report.events > MOST_EVENTS or report.event_bytes > MOST_BYTES


def _is_empty(portion: Portion) -> bool:
    return not portion.cuts and not portion.deleted


def _cuts(run: EndedRun, extent: Extent) -> Iterator[Cut]:
    average = max(1, extent.bytes_between // max(1, extent.events_between))
    stride = max(1, min(MOST_EVENTS, MOST_BYTES // average))
    after = extent.first
    while after < extent.last - 1:
        before = min(after + stride + 1, extent.last)
        yield Cut(run.key, run.finished_us, after, before)
        after = before - 1
