"""Many runs at once: listing and counting them, and stepping in wherever a filter points."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple

from maestro.domain.catalog import Catalog
from maestro.domain.errors import Fault, InvalidRequestError
from maestro_workflow_engine import (
    RunFilter,
    RunOrder,
    RunPage,
    RunStatus,
    WorkflowConflictError,
    WorkflowEndedError,
    WorkflowEngine,
    WorkflowNotFoundError,
)

_OPEN: Final = tuple(status for status in RunStatus if status.is_open)
_REFUSALS: Final = (WorkflowNotFoundError, WorkflowEndedError, WorkflowConflictError)


class BulkAction(StrEnum):
    """What can be done to many runs."""

    CANCEL = "cancel"
    """Ask those that have not ended to stop."""
    TERMINATE = "terminate"
    """End those that have not ended."""
    PAUSE = "pause"
    """Hold those that go on."""
    RESUME = "resume"
    """Let those go on that are paused by themselves."""
    RETRY = "retry"
    """Let those that failed go on from their failed step; children, and what failed outside any step, are left alone."""


_ELIGIBLE: Final = {
    BulkAction.CANCEL: _OPEN,
    BulkAction.TERMINATE: _OPEN,
    BulkAction.PAUSE: tuple(status for status in _OPEN if status is not RunStatus.PAUSED),
    BulkAction.RESUME: (RunStatus.PAUSED,),
    BulkAction.RETRY: (RunStatus.FAILED,),
}


class Portion(NamedTuple):
    """What was done in one portion."""

    runs: int
    """To how many runs."""
    next_cursor: str | None
    """Leads to the next portion; None after the last."""


class ManyRuns:
    """The runs of a running orchestrator, as many.

    Filters name workflows as "namespace/name".

    Args:
        engine: Runs the workflows; open.
        catalog: The workflows there are.
    """

    def __init__(self, engine: WorkflowEngine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog

    async def page(self, wanted: RunFilter, *, order: RunOrder, limit: int, cursor: str | None) -> RunPage:
        """List runs.

        Args:
            wanted: Which ones.
            order: Which come first.
            limit: The most to return.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidRequestError: The cursor is none, or belongs to another listing.
        """
        try:
            return await self._engine.runs(self._filter(wanted), order=order, limit=limit, cursor=cursor)
        except ValueError as error:
            raise InvalidRequestError(Fault("query.cursor", str(error))) from error

    async def count(self, wanted: RunFilter) -> int:
        """Count runs.

        Args:
            wanted: Which ones.
        """
        return await self._engine.count(self._filter(wanted))

    async def eligible(self, action: BulkAction, wanted: RunFilter) -> int:
        """Count the runs to which something can be done.

        Args:
            action: What.
            wanted: Which runs are meant.
        """
        narrowed = _narrowed(action, wanted)
        return 0 if narrowed is None else await self.count(narrowed)

    async def act(
        self, action: BulkAction, wanted: RunFilter, *, reason: str, limit: int, cursor: str | None
    ) -> Portion:
        """Do something to a portion of the runs that are meant, the newest first; returns once that is kept.

        Going on from portion to portion meets every run that was there at the first. When it breaks off, what was done stays
        done, and doing it again does nothing to those.

        Args:
            action: What.
            wanted: Which runs are meant; at least one criterion.
            reason: Kept in the history of each.
            limit: The most to look at.
            cursor: `next_cursor` of the portion before.

        Raises:
            InvalidRequestError: There is no criterion, or the cursor is none.
            WorkflowError: The engine refuses: see `WorkflowHandle`.
        """
        if wanted == RunFilter():
            hint = f"name at least one criterion, such as status={_ELIGIBLE[action][0]}"
            raise InvalidRequestError(Fault("query", f"{action} would be done to every run there is: {hint}"))
        narrowed = _narrowed(action, wanted)
        if narrowed is None:
            return Portion(0, None)
        page = await self.page(narrowed, order=RunOrder.NEWEST, limit=limit, cursor=cursor)
        outcomes = await asyncio.gather(
            *(self._done(action, run.id, reason) for run in page.runs), return_exceptions=True
        )
        for outcome in outcomes:
            # A run that has moved on since it was listed is not what was meant any more.
            if outcome is not None and not isinstance(outcome, _REFUSALS):
                raise outcome
        return Portion(sum(outcome is None for outcome in outcomes), page.next_cursor)

    def _done(self, action: BulkAction, run_id: str, reason: str) -> Awaitable[None]:
        handle = self._engine.handle(run_id)
        match action:
            case BulkAction.CANCEL:
                return handle.cancel(reason)
            case BulkAction.TERMINATE:
                return handle.terminate(reason)
            case BulkAction.PAUSE:
                return handle.pause(reason)
            case BulkAction.RESUME:
                return handle.resume()
            case BulkAction.RETRY:
                return handle.retry()

    def _filter(self, wanted: RunFilter) -> RunFilter:
        if wanted.workflow is None:
            return wanted
        return replace(wanted, workflow=self._catalog.engine_name(wanted.workflow))


def _narrowed(action: BulkAction, wanted: RunFilter) -> RunFilter | None:
    statuses = [status for status in _ELIGIBLE[action] if not wanted.statuses or status in wanted.statuses]
    return replace(wanted, status=statuses) if statuses else None
