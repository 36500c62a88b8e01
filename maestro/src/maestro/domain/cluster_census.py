"""Counting the runs of a cluster, which lists what has changed a little later, and in an order of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from maestro.domain.census import Tally, publicly_named
from maestro_workflow_engine import RunFilter, RunInfo, RunPage, RunStatus

ListRuns = Callable[[RunFilter, str | None], Awaitable[RunPage]]
"""Lists the runs of a filter, by cursor."""
CountRuns = Callable[[RunFilter], Awaitable[int]]
"""Counts the runs of a filter."""
Moment = Callable[[RunInfo], datetime | None]

_LATE: Final = timedelta(minutes=1)
"""How much later a run may be listed than it started or ended, clocks that differ included."""
_ENDED: Final = tuple(status for status in RunStatus if not status.is_open)


class ClusterCensus:
    """Looks at what has started and ended lately, by time.

    Runs from before the first census count as running, never as started. A run that is retried or goes on as new is another
    execution on a cluster, and counts as started once more.

    Args:
        list_runs: Lists runs.
        count_runs: Counts runs.
        workflows: Gives the engine's names of the workflows to count; others of the namespace are somebody else's.
        clock: Now, aware.
    """

    def __init__(
        self,
        list_runs: ListRuns,
        count_runs: CountRuns,
        workflows: Callable[[], Iterable[str]],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._list = list_runs
        self._count = count_runs
        self._workflows = workflows
        begin = clock()
        self._started = _Lately(begin, lambda run: run.created_at)
        self._ended = _Lately(begin, lambda run: run.finished_at)
        self._is_first = True

    async def take(self) -> Tally:
        """Look once.

        Returns:
            What happened since the last look.
        """
        tally = Tally()
        wanted = set(self._workflows())
        started = self._started.new(await self._all(RunFilter(created_after=self._started.since)))
        ended = self._ended.new(await self._all(RunFilter(status=_ENDED, finished_after=self._ended.since)))
        if not self._is_first:
            tally.started.update(run.workflow for run in started if run.workflow in wanted)
            tally.ended.update((run.workflow, run.status.value) for run in ended if run.workflow in wanted)
        self._is_first = False
        for workflow in wanted:
            tally.running[workflow] = await self._count(RunFilter(status=RunStatus.RUNNING, workflow=workflow))
        return publicly_named(tally)

    async def _all(self, wanted: RunFilter) -> list[RunInfo]:
        page = await self._list(wanted, None)
        found = list(page.runs)
        while page.next_cursor is not None:
            page = await self._list(wanted, page.next_cursor)
            found += page.runs
        return found


class _Lately:
    """Tells runs that were not there at the look before from those that were."""

    def __init__(self, begin: datetime, moment: Moment) -> None:
        self._moment = moment
        self._seen: dict[tuple[str, datetime], None] = {}
        self.since = begin - _LATE
        """From when on runs may be new."""

    def new(self, runs: Iterable[RunInfo]) -> list[RunInfo]:
        """Return those that are new."""
        found = []
        for run in runs:
            moment = self._moment(run)
            if moment is not None and (run.id, moment) not in self._seen:
                self._seen[run.id, moment] = None
                found.append(run)
        self.since = max((self.since, *(moment - _LATE for _, moment in self._seen)))
        self._seen = {key: None for key in self._seen if key[1] >= self.since}
        return found
