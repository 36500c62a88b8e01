"""Schedules over HTTP."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response

from maestro.api.requests import InterventionRequest
from maestro.api.run_views import RunDetailView
from maestro.api.schedule_views import (
    BackfillRequest,
    BackfillView,
    ChangeScheduleRequest,
    CreateScheduleRequest,
    DefineScheduleRequest,
    ScheduleList,
    ScheduleView,
)
from maestro.api.state import OPERATOR, VIEWER, TheSchedules
from maestro.errors import answered

router = APIRouter(prefix="/schedules", tags=["schedules"], dependencies=[VIEWER])

TheId = Annotated[str, Path(description="The schedule's id.", examples=["nightly-report"])]


@router.get("")
async def list_schedules(
    schedules: TheSchedules,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> ScheduleList:
    """List schedules, by id."""
    with answered():
        found = await schedules.listing(limit=limit + 1, after=cursor)
    page = found[:limit]
    return ScheduleList(
        schedules=[ScheduleView.of(schedule) for schedule in page],
        next_cursor=page[-1].id if len(found) > limit else None,
    )


@router.post("", status_code=201, dependencies=[OPERATOR])
async def create_schedule(data: CreateScheduleRequest, response: Response, schedules: TheSchedules) -> ScheduleView:
    """Make a schedule. It is on disk when the answer comes; an id that is taken is a conflict."""
    with answered():
        schedule = await schedules.create(data.id, data.definition(), paused=data.paused)
    response.headers["Location"] = f"/schedules/{quote(schedule.id, safe='')}"
    return ScheduleView.of(schedule)


@router.get("/{schedule_id}")
async def show_schedule(schedule_id: TheId, schedules: TheSchedules) -> ScheduleView:
    """Show a schedule in full: its settings, its next times, its latest runs, what it missed."""
    with answered():
        return ScheduleView.of(await schedules.get(schedule_id))


@router.put(
    "/{schedule_id}",
    dependencies=[OPERATOR],
    responses={201: {"model": ScheduleView, "description": "Made"}},
)
async def define_schedule(
    schedule_id: TheId, data: DefineScheduleRequest, response: Response, schedules: TheSchedules
) -> ScheduleView:
    """Make a schedule, or give the one of this id a new definition. The same definition again changes nothing."""
    with answered():
        schedule, is_new = await schedules.define(schedule_id, data.definition(), paused=data.paused)
    response.status_code = 201 if is_new else 200
    return ScheduleView.of(schedule)


@router.patch("/{schedule_id}", dependencies=[OPERATOR])
async def change_schedule(schedule_id: TheId, data: ChangeScheduleRequest, schedules: TheSchedules) -> ScheduleView:
    """Change some settings of a schedule; what is left out stays."""
    with answered():
        return ScheduleView.of(await schedules.change(schedule_id, data.timing(), data.work()))


@router.delete("/{schedule_id}", status_code=204, dependencies=[OPERATOR])
async def delete_schedule(schedule_id: TheId, schedules: TheSchedules) -> None:
    """Forget a schedule. Runs that it started go on."""
    with answered():
        await schedules.delete(schedule_id)


@router.post("/{schedule_id}/pause", dependencies=[OPERATOR])
async def pause_schedule(
    schedule_id: TheId, schedules: TheSchedules, data: InterventionRequest | None = None
) -> ScheduleView:
    """Start nothing from now on. Runs that are under way go on; times that pass meanwhile are left out."""
    with answered():
        return ScheduleView.of(await schedules.pause(schedule_id, data.reason if data else ""))


@router.post("/{schedule_id}/resume", dependencies=[OPERATOR])
async def resume_schedule(schedule_id: TheId, schedules: TheSchedules) -> ScheduleView:
    """Go on with the next time; one that is not paused stays as it is."""
    with answered():
        return ScheduleView.of(await schedules.resume(schedule_id))


@router.post("/{schedule_id}/trigger", status_code=202, dependencies=[OPERATOR])
async def trigger_schedule(schedule_id: TheId, response: Response, schedules: TheSchedules) -> RunDetailView:
    """Start a run now, paused or not and whatever the overlap policy says."""
    with answered():
        run = await schedules.trigger(schedule_id)
    response.headers["Location"] = f"/runs/{quote(run.id, safe='')}"
    return RunDetailView.of(run)


@router.post("/{schedule_id}/backfill", status_code=202, dependencies=[OPERATOR])
async def backfill_schedule(schedule_id: TheId, data: BackfillRequest, schedules: TheSchedules) -> BackfillView:
    """Start a run for each past time of a range that has none, all at once: at most 10,000. It can be repeated."""
    with answered():
        return BackfillView(runs=await schedules.backfill(schedule_id, data.start, data.end))
