"""Removing runs that have ended: one by one, or all that are old enough."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from maestro.domain.catalog import Catalog
from maestro.domain.errors import Fault, InvalidRequestError, UnknownRunError
from maestro_workflow_engine import PurgeReport, RunStatus, WorkflowEngine, WorkflowNotFoundError


class OldRuns(NamedTuple):
    """Which runs are to go."""

    older_than: timedelta
    """How long ago they must have ended."""
    status: Sequence[RunStatus] | None = None
    """How they must have ended; None for in whatever way."""
    workflow: str | None = None
    """"namespace/name"; None for every workflow."""


class Removal:
    """Removes runs of a running orchestrator for good.

    Args:
        engine: Runs the workflows; open.
        catalog: The workflows there are.
    """

    def __init__(self, engine: WorkflowEngine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog

    async def delete(self, run_id: str) -> PurgeReport:
        """Delete a run that has ended, and its children with it; returns once they are gone.

        Raises:
            UnknownRunError: There is no such run.
            WorkflowError: The engine refuses: see `WorkflowHandle.delete`.
        """
        try:
            return await self._engine.handle(run_id).delete()
        except WorkflowNotFoundError as error:
            raise UnknownRunError(run_id) from error

    async def purge(self, old: OldRuns) -> PurgeReport:
        """Delete runs that ended long enough ago; returns once they are gone.

        Raises:
            InvalidRequestError: Open runs are meant.
            WorkflowError: The engine refuses: see `WorkflowEngine.purge`.
        """
        try:
            return await self._engine.purge(
                older_than=old.older_than, status=old.status, workflow=self._workflow(old.workflow)
            )
        except ValueError as error:
            raise InvalidRequestError(Fault("body", str(error))) from error

    async def preview(self, old: OldRuns) -> PurgeReport:
        """Return what `purge` would report, and delete nothing.

        Raises:
            InvalidRequestError: Open runs are meant.
            WorkflowError: The engine refuses: see `WorkflowEngine.purgeable`.
        """
        try:
            return await self._engine.purgeable(
                older_than=old.older_than, status=old.status, workflow=self._workflow(old.workflow)
            )
        except ValueError as error:
            raise InvalidRequestError(Fault("body", str(error))) from error

    def _workflow(self, qualified_name: str | None) -> str | None:
        return None if qualified_name is None else self._catalog.engine_name(qualified_name)
