"""Removing runs for good, over HTTP."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from maestro.api.lengths import Seconds
from maestro.api.state import ADMIN, VIEWER, TheRemoval
from maestro.domain.removal import OldRuns
from maestro.errors import answered
from maestro_workflow_engine import PurgeReport, RunStatus

router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[VIEWER])


class PurgeRequest(BaseModel):
    """Which runs are to go."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"older_than_s": 2_592_000, "status": ["completed"]}]}
    )

    older_than_s: Seconds
    """How long ago they must have ended."""
    status: list[RunStatus] | None = Field(default=None, min_length=1)
    """How they must have ended. Default: in whatever way."""
    workflow: str | None = Field(default=None, min_length=1, max_length=400)
    """"namespace/name". Default: every workflow."""

    def old_runs(self) -> OldRuns:
        """Return what the domain takes."""
        return OldRuns(timedelta(seconds=self.older_than_s), self.status, self.workflow)


class PurgeView(BaseModel):
    """What is gone, or would be."""

    runs: int
    """Runs that are gone as a whole, children included."""
    events: int
    """Events of their histories."""
    event_bytes: int
    """What these took."""
    held_back: int
    """Runs that were due and stay for now: a child still runs, a parent may be retried, or somebody follows them."""

    @classmethod
    def of(cls, report: PurgeReport) -> PurgeView:
        """Show a report."""
        return cls(runs=report.runs, events=report.events, event_bytes=report.event_bytes, held_back=report.held_back)


@router.post("/purge", dependencies=[ADMIN])
async def purge_runs(data: PurgeRequest, removal: TheRemoval) -> PurgeView:
    """Delete the runs that ended long enough ago, whatever the retention says. The answer comes once they are gone.

    Others are not held up meanwhile. When it breaks off, what is gone stays gone, and the same request goes on.
    """
    with answered():
        return PurgeView.of(await removal.purge(data.old_runs()))


@router.post("/purge/preview")
async def preview_purge(data: PurgeRequest, removal: TheRemoval) -> PurgeView:
    """Say what a purge would delete, and delete nothing."""
    with answered():
        return PurgeView.of(await removal.preview(data.old_runs()))


@router.delete("/{run_id}", dependencies=[ADMIN])
async def delete_run(run_id: str, removal: TheRemoval) -> PurgeView:
    """Delete a run that has ended, and its children with it. Its id is free then."""
    with answered():
        return PurgeView.of(await removal.delete(run_id))
