"""Deleting runs that have ended: portion by portion through the journal's writer, and never one that somebody still needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from maestro_core_logging import get_logger
from maestro_workflow_engine._errors import (
    JournalWriteError,
    WorkflowConflictError,
    WorkflowNotFoundError,
    WorkflowOpenError,
)
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._retention import PurgeReport
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._core import Core
from maestro_workflow_engine.embedded._journal import Write, nothing
from maestro_workflow_engine.embedded._opened import Acknowledgement
from maestro_workflow_engine.embedded._purge_plan import EndedRun, Extent, Fate, added, held_back, portions
from maestro_workflow_engine.embedded._purge_reader import BEGINNING, INDEX, Place, PurgeReader
from maestro_workflow_engine.embedded._run_tables import purging
from maestro_workflow_engine.embedded._uploads import Uploads

_logger = get_logger(__name__)
_MICROSECOND = timedelta(microseconds=1)
_AT_ONCE = 500
_NAMED = 5
_REST_AN_EVENT_S = 10e-6
_REST_A_BYTE_S = 10e-9
"""How long the writer belongs to the runs after a portion: about twice what deleting it takes.

The time it took to be on disk would be no measure: under load that is the time of everybody's commit, and a purge that rests for
longer the more there is to do never catches up.
"""

Judge = Callable[[EndedRun], Fate]


class Purging:
    """Purges what callers and the retention ask for.

    Args:
        core: Knows who is in memory and who is followed.
        uploads: Writes the journal.
        reader: Finds what has ended; closed by whoever made it.
        clock: The time.
    """

    def __init__(self, core: Core, uploads: Uploads, reader: PurgeReader, clock: Clock) -> None:
        self._core = core
        self._uploads = uploads
        self._clock = clock
        self._has_index = False
        self.reader = reader

    async def purge(
        self, *, older_than: timedelta, statuses: frozenset[RunStatus], workflow: str | None
    ) -> PurgeReport:
        """Delete runs that ended long enough ago.

        Raises:
            JournalWriteError: The disk refuses; what was deleted until then is gone, the rest is as it was.
        """
        await self.prepare()
        report = PurgeReport()
        async for runs, _ in self.ended(self._clock.now_us() - older_than // _MICROSECOND):
            report = added(report, await self.carry_out(runs, _chosen(statuses, workflow)))
        return report

    async def purgeable(
        self, *, older_than: timedelta, statuses: frozenset[RunStatus], workflow: str | None
    ) -> PurgeReport:
        """Return what `purge` would report, and delete nothing."""
        report = PurgeReport()
        async for runs, _ in self.ended(self._clock.now_us() - older_than // _MICROSECOND):
            due, held = self._due(runs, _chosen(statuses, workflow))
            for portion in portions(await self._measured(due)):
                report = added(report, portion.report)
            report = added(report, PurgeReport(held_back=len(held)))
        return report

    async def delete(self, run_id: str) -> PurgeReport:
        """Delete one run that has ended, and its children, which have ended as well; the children first.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowOpenError: It, or a child of it, has not ended; nothing was deleted.
            WorkflowConflictError: Its parent needs it for a retry, or somebody is at work with it; nothing was deleted.
            JournalWriteError: The disk refuses; children may be gone, the run is there.
        """
        run = await self.reader.by_id(run_id)
        if run is None:
            raise WorkflowNotFoundError(run_id, f"there is no run {run_id!r}")
        tree = [each async for each in self._with_descendants(run)]
        still_open = [each.id for each in tree if each.finished_us < 0]
        if still_open:
            raise WorkflowOpenError(run_id, tuple(still_open[:_NAMED]), len(still_open))
        reason = held_back(run, Fate.DELETE)
        if reason is not None:
            raise WorkflowConflictError(run_id, f"{reason}; delete its parent instead")
        if any(self._is_in_use(each.key) for each in tree):
            raise WorkflowConflictError(run_id, f"run {run_id!r} or a child of it is being followed or retried")
        tree.reverse()  # whoever dies on the way leaves the run itself, so that it can be deleted again
        report = PurgeReport()
        for start in range(0, len(tree), _AT_ONCE):
            due = [(each, Fate.DELETE) for each in tree[start : start + _AT_ONCE]]
            report = added(report, await self._delete(await self._measured(due)))
        if report.held_back:
            raise WorkflowConflictError(run_id, f"somebody began to follow or retry run {run_id!r} or a child of it")
        return report

    async def prepare(self) -> None:
        """See to it that runs are found by when they ended. Without room for that they are found slowly."""
        if self._has_index:
            return
        try:
            await self._written(Write(nothing, also=(INDEX,)), ())
        except JournalWriteError as error:
            _logger.warning("Purging goes on without its index", error=str(error))
            return
        self._has_index = True

    async def ended(self, until_us: int, after: Place = BEGINNING) -> AsyncIterator[tuple[list[EndedRun], Place]]:
        """Yield the runs that had ended by a time, some at once, and the place to which that is all."""
        while runs := await self.reader.ended(after, until_us, _AT_ONCE):
            after = (runs[-1].finished_us, runs[-1].key)
            yield runs, after

    async def carry_out(self, runs: Sequence[EndedRun], judge: Judge) -> PurgeReport:
        """Do with runs what a judge says, and tell what was done.

        Raises:
            JournalWriteError: The disk refuses; portions before it are done.
        """
        due, held = self._due(runs, judge)
        report = await self._delete(await self._measured(due)) if due else PurgeReport()
        return added(report, PurgeReport(held_back=len(held)))

    def _due(self, runs: Iterable[EndedRun], judge: Judge) -> tuple[list[tuple[EndedRun, Fate]], list[EndedRun]]:
        due: list[tuple[EndedRun, Fate]] = []
        held: list[EndedRun] = []
        for run in runs:
            wanted = judge(run)
            if wanted is Fate.KEEP:
                continue
            if held_back(run, wanted) is not None or self._is_in_use(run.key):
                held.append(run)
            else:
                due.append((run, wanted))
        return due, held

    def _is_in_use(self, key: int) -> bool:
        return key in self._core.retrying or key in self._core.purging or self._core.growing.is_followed(key)

    async def _measured(self, due: Sequence[tuple[EndedRun, Fate]]) -> list[tuple[EndedRun, Fate, Extent]]:
        extents = await self.reader.extents([run.key for run, _ in due])
        return [
            (run, wanted, extent)
            for (run, wanted), extent in zip(due, extents, strict=True)
            if wanted is Fate.DELETE or extent.events_between
        ]

    async def _delete(self, due: Iterable[tuple[EndedRun, Fate, Extent]]) -> PurgeReport:
        report = PurgeReport()
        for portion in portions(due):
            keys = {key for key, _ in portion.deleted} | {cut.key for cut in portion.cuts}
            if any(self._is_in_use(key) for key in keys):
                report = added(report, PurgeReport(held_back=portion.report.runs + portion.report.shortened))
                continue
            await self._written(Write(nothing, also=purging(portion, self._clock.now_us())), keys)
            report = added(report, portion.report)
            await asyncio.sleep(_REST_AN_EVENT_S * portion.report.events + _REST_A_BYTE_S * portion.report.event_bytes)
        if report != PurgeReport():
            self._uploads.on_unreferenced()
        return report

    async def _written(self, write: Write, keys: Iterable[int]) -> None:
        """Write, and let nobody take the runs up before that is decided, whether the caller still waits or not."""
        done, taken = Acknowledgement(), frozenset(keys)

        def durable() -> None:
            self._core.purging.difference_update(taken)
            done.durable()

        def failed(error: JournalWriteError) -> None:
            self._core.purging.difference_update(taken)
            done.failed(error)

        self._core.purging.update(taken)
        write.on_durable, write.on_failed = durable, failed
        self._uploads.submit(write)
        await done.wait()

    async def _with_descendants(self, run: EndedRun) -> AsyncIterator[EndedRun]:
        """Yield a run and all below it, each after its parent."""
        waiting = [run]
        while waiting:
            parent = waiting.pop()
            yield parent
            after = -1
            while children := await self.reader.children(parent.key, after, _AT_ONCE):
                waiting += children
                after = children[-1].key


@contextmanager
def retrying(core: Core, keys: Iterable[int]) -> Iterator[None]:
    """Keep runs from being purged while they are brought back to life."""
    added_now = set(keys) - core.retrying
    core.retrying |= added_now
    try:
        yield
    finally:
        core.retrying -= added_now


def _chosen(statuses: frozenset[RunStatus], workflow: str | None) -> Judge:
    def judge(run: EndedRun) -> Fate:
        fits = run.status in statuses and workflow in (None, run.workflow)
        return Fate.DELETE if fits else Fate.KEEP

    return judge
