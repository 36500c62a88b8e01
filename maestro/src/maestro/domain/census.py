"""Counting runs: how many have started, ended and are running, found out by looking from time to time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from maestro.domain.catalog import public_name
from maestro_workflow_engine import RunInfo, RunPage, RunStatus

ListRuns = Callable[[Collection[RunStatus] | None, str | None], Awaitable[RunPage]]
"""Lists runs, newest first, by statuses (None for every status) and cursor."""
FindStatus = Callable[[str], Awaitable[RunStatus]]
"""Tells where the run with this id stands."""

_OPEN = tuple(status for status in RunStatus if status.is_open)


@dataclass(slots=True)
class Tally:
    """What happened since the census before."""

    started: Counter[str] = field(default_factory=Counter)
    """Runs that started, by workflow."""
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Runs that ended, by workflow and status."""
    running: Counter[str] = field(default_factory=Counter)
    """Runs that have not ended now, by workflow."""


class Census:
    """Compares listings of runs, so that children and runs that were resumed count like any others.

    Runs from before the first census count as running, never as started.

    Args:
        list_runs: Lists runs.
        find_status: Looks one run up.
    """

    def __init__(self, list_runs: ListRuns, find_status: FindStatus) -> None:
        self._list = list_runs
        self._find_status = find_status
        self._running: dict[str, str] = {}
        self._newest: str | None = None
        self._is_first = True

    async def take(self) -> Tally:
        """Look once.

        Returns:
            What happened since the last look.
        """
        tally = Tally()
        # New runs first: one that starts during the census is then left for the next one, and is never half counted.
        for run in await self._new_runs():
            tally.started[run.workflow] += 1
            if run.status.is_open:
                self._running[run.id] = run.workflow
            else:
                tally.ended[run.workflow, run.status.value] += 1
        still = await self._running_now()
        if self._is_first:
            self._running.update(still)
            self._is_first = False
        for run_id in [run_id for run_id in self._running if run_id not in still]:
            status = await self._find_status(run_id)
            if not status.is_open:
                tally.ended[self._running.pop(run_id), status.value] += 1
        tally.running.update(self._running.values())
        return publicly_named(tally)

    async def _new_runs(self) -> list[RunInfo]:
        page = await self._list(None, None)
        newest = page.runs[0].id if page.runs else None
        found: list[RunInfo] = []
        if not self._is_first:
            while True:
                for run in page.runs:
                    if run.id == self._newest:
                        break
                    found.append(run)
                else:
                    if page.next_cursor is not None:
                        page = await self._list(None, page.next_cursor)
                        continue
                break
        self._newest = newest
        return found

    async def _running_now(self) -> dict[str, str]:
        page = await self._list(_OPEN, None)
        running = {run.id: run.workflow for run in page.runs}
        while page.next_cursor is not None:
            page = await self._list(_OPEN, page.next_cursor)
            running.update({run.id: run.workflow for run in page.runs})
        return running


def publicly_named(tally: Tally) -> Tally:
    """Return a tally under the names of the catalog.

    Args:
        tally: Under the engine's names.
    """
    return Tally(
        Counter({public_name(name): count for name, count in tally.started.items()}),
        Counter({(public_name(name), status): count for (name, status), count in tally.ended.items()}),
        Counter({public_name(name): count for name, count in tally.running.items()}),
    )
