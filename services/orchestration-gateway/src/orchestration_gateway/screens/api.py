"""Screens over HTTP."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from maestro_core_api import Preconditions, ServiceUnavailableException, etag, preconditions
from orchestration_gateway.live.access import RunNotFoundException, runs_for
from orchestration_gateway.state import VIEWER, TheState, Viewer

from .parts import Parts

router = APIRouter(prefix="/screens", tags=["screens"], dependencies=[VIEWER])
Conditions = Annotated[Preconditions, Depends(preconditions)]


class MissingView(BaseModel):
    """A part that is missing, and why."""

    part: str
    """Which member of the answer is null."""
    service: str
    """Which service did not give it."""
    error_code: str
    detail: str


class ScreenView(BaseModel):
    """An answer for a screen; a part that could not be had is null, and `missing` says why."""

    missing: list[MissingView]


class OverviewView(ScreenView):
    """How everything stands."""

    run_counts: dict[str, int] | None
    """Runs by status."""
    latest_runs: list[Any] | None
    failed_runs: list[Any] | None
    queues: list[Any] | None
    services: list[Any] | None
    approvals: list[Any] | None
    """Those that wait for somebody."""


class RunScreenView(ScreenView):
    """A run with everything about it."""

    run: dict[str, Any]
    history: list[Any] | None
    children: list[Any] | None
    approvals: list[Any] | None


class ServicesView(ScreenView):
    """The services and workflows there are."""

    services: list[Any] | None
    scorecards: list[Any] | None
    workflows: list[Any] | None


@router.get("/overview")
async def overview(state: TheState, caller: Viewer, conditions: Conditions) -> OverviewView:
    """Show how everything stands, as far as the services answer."""
    view = OverviewView.model_validate(_members(await state.screens.overview(caller)))
    conditions.check(_tag(view))
    return view


@router.get("/services")
async def services(state: TheState, caller: Viewer, conditions: Conditions) -> ServicesView:
    """Show the services and workflows, as far as the services answer."""
    view = ServicesView.model_validate(_members(await state.screens.services(caller)))
    conditions.check(_tag(view))
    return view


@router.get("/runs/{run_id}")
async def run(run_id: str, state: TheState, caller: Viewer, conditions: Conditions) -> RunScreenView:
    """Show a run with everything about it. Without the run itself there is no screen: 404, or 503 while nobody knows."""
    parts = await state.screens.run(run_id, caller)
    found = parts.found["run"]
    if found is None:
        (failure,) = [failure for failure in parts.failures if failure.part == "run"]
        if failure.status == 404:
            raise RunNotFoundException(detail=f"there is no run {run_id!r}")
        raise ServiceUnavailableException(
            detail=f"{failure.service} does not say: {failure.detail}",
            error_code="RUN_UNKNOWN",
            headers={"Retry-After": "2"},
        )
    if not runs_for(found, caller):
        raise RunNotFoundException(detail=f"there is no run {run_id!r}")
    view = RunScreenView.model_validate(_members(parts))
    conditions.check(_tag(view))
    return view


def _members(parts: Parts) -> dict[str, Any]:
    missing = [
        {"part": each.part, "service": each.service, "error_code": each.error_code, "detail": each.detail}
        for each in parts.failures
    ]
    return {**parts.found, "missing": missing}


def _tag(view: ScreenView) -> str:
    return etag(json.dumps(view.model_dump(mode="json"), sort_keys=True).encode())
