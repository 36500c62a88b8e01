"""What an engine does with many runs at once: listing, counting, and intervening in all that a filter means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Unpack

from maestro_workflow_engine._errors import WorkflowConflictError, WorkflowEndedError, WorkflowNotFoundError
from maestro_workflow_engine._records import RunPage, RunStatus
from maestro_workflow_engine._run_filter import RunCriteria, RunFilter, RunOrder

if TYPE_CHECKING:
    from maestro_workflow_engine._runner import Runner

_AT_ONCE = 100
_REFUSALS = (WorkflowNotFoundError, WorkflowEndedError, WorkflowConflictError)


class EngineRuns:
    """The face of an engine that looks at many runs."""

    _runner: Runner

    async def runs(
        self,
        wanted: RunFilter | None = None,
        /,
        *,
        order: RunOrder | str = RunOrder.NEWEST,
        limit: int = 100,
        cursor: str | None = None,
        **criteria: Unpack[RunCriteria],
    ) -> RunPage:
        """List runs a page at a time. Nothing that runs waits for it.

        Page after page shows every run once that was there when the first page was read, and met the filter when its
        page was read. Runs that are added meanwhile come in front of the newest, or behind the oldest.

        Args:
            wanted: Which ones. Default: all.
            order: "newest" first, or "oldest" first, in the order in which this journal took them in.
            limit: The most to return, 1 to 1,000.
            cursor: `next_cursor` of the page before; it goes with the same filter and order only.
            **criteria: The fields of `RunFilter`, in place of a filter: `status="running"`,
                `attributes={"customer": "acme", "amount_cents": between(1000, 2000)}` …

        Raises:
            ValueError: A criterion, the order, limit or cursor is none, or there is both a filter and a criterion.
            SearchAttributeError: The name or value of an attribute is none.
        """
        if not 1 <= limit <= 1000:
            raise ValueError("limit must lie between 1 and 1000")
        return await self._runner.reading.runs(
            _filter(wanted, criteria), order=RunOrder(order), limit=limit, cursor=cursor
        )

    async def count(self, wanted: RunFilter | None = None, /, **criteria: Unpack[RunCriteria]) -> int:
        """Count runs. Nothing that runs waits for it.

        Args:
            wanted: Which ones. Default: all.
            **criteria: The fields of `RunFilter`, in place of a filter.

        Raises:
            ValueError: A criterion is none, or there is both a filter and a criterion.
            SearchAttributeError: The name or value of an attribute is none.
        """
        return await self._runner.reading.count(_filter(wanted, criteria))

    async def cancel_all(self, wanted: RunFilter, reason: str = "") -> int:
        """Ask every run that is meant and has not ended to stop, as `handle.cancel` does; returns once that is kept.

        Runs are taken a hundred at a time, the newest first; those that start meanwhile are left alone. When it breaks off,
        what was done stays done, and the same call goes on with the rest. So with the other operations on many runs.

        Args:
            wanted: Which ones; `RunFilter()` for all.
            reason: Kept in the history of each.

        Returns:
            How many were asked.

        Raises:
            JournalWriteError: The requests cannot be kept at the moment.
        """
        return await self._each(wanted, partial(self._runner.steering.cancel, reason=reason), *_OPEN)

    async def terminate_all(self, wanted: RunFilter, reason: str = "") -> int:
        """End every run that is meant and has not ended, as `handle.terminate` does.

        Args:
            wanted: Which ones; `RunFilter()` for all.
            reason: Kept in the history of each.

        Returns:
            How many were ended.
        """
        return await self._each(wanted, partial(self._runner.steering.terminate, reason=reason), *_OPEN)

    async def pause_all(self, wanted: RunFilter, reason: str = "") -> int:
        """Pause every run that is meant and runs, as `handle.pause` does.

        Runs to come are not paused; `pause_workflow` does that.

        Args:
            wanted: Which ones; `RunFilter()` for all.
            reason: Kept in the history of each.

        Returns:
            How many were paused.

        Raises:
            JournalWriteError: The pauses cannot be kept at the moment.
        """
        return await self._each(wanted, partial(self._runner.steering.pause, reason=reason), RunStatus.RUNNING)

    async def resume_all(self, wanted: RunFilter) -> int:
        """Let every run go on that is meant and is paused by itself, as `handle.resume` does.

        Args:
            wanted: Which ones; `RunFilter()` for all.

        Returns:
            How many go on.

        Raises:
            JournalWriteError: That cannot be kept at the moment.
        """
        return await self._each(wanted, self._runner.steering.resume, RunStatus.PAUSED)

    async def retry_all(self, wanted: RunFilter) -> int:
        """Let every failed run that is meant go on from its failed step, as `handle.retry` does.

        Children, and runs that failed outside any step, are left alone.

        Args:
            wanted: Which ones; `RunFilter()` for all.

        Returns:
            How many go on.

        Raises:
            JournalWriteError: That cannot be kept at the moment.
        """
        return await self._each(wanted, self._runner.steering.retry, RunStatus.FAILED)

    async def _each(self, wanted: RunFilter, act: Callable[[str], Awaitable[None]], *eligible: RunStatus) -> int:
        reading, done, cursor = self._runner.reading, 0, None
        while True:
            page = await reading.runs(wanted, order=RunOrder.NEWEST, limit=_AT_ONCE, cursor=cursor)
            chosen = await asyncio.gather(*(reading.is_any_of(run, eligible) for run in page.runs))
            outcomes = await asyncio.gather(
                *(act(run.id) for run, is_eligible in zip(page.runs, chosen, strict=True) if is_eligible),
                return_exceptions=True,
            )
            for outcome in outcomes:
                if outcome is not None and not isinstance(outcome, _REFUSALS):
                    raise outcome
            done += sum(outcome is None for outcome in outcomes)
            cursor = page.next_cursor
            if cursor is None:
                return done


_OPEN = tuple(status for status in RunStatus if status.is_open)


def _filter(wanted: RunFilter | None, criteria: RunCriteria) -> RunFilter:
    if wanted is None:
        return RunFilter(**criteria)
    if not isinstance(wanted, RunFilter):
        raise ValueError(f"pass a RunFilter, or its fields by name, not {wanted!r}")  # noqa: TRY004  one error for bad filters
    if criteria:
        raise ValueError("pass a RunFilter or its fields by name, not both")
    return wanted
