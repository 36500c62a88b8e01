"""Starting runs over HTTP."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Response

from maestro.api.run_views import RunDetailView
from maestro.api.start_requests import StartRequest
from maestro.api.start_route import StartRoute
from maestro.api.state import OPERATOR, VIEWER, TheRuns
from maestro.errors import answered

router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[VIEWER])


async def start_run(data: StartRequest, runs: TheRuns) -> Response:
    """Start a run. It is on disk when the answer comes."""
    with answered():
        options = None if data.options is None else data.options.value()
        run = await runs.start(data.workflow, data.input, data.id, options)
    location = {"Location": f"/runs/{quote(run.id, safe='')}"}
    body = RunDetailView.of(run).model_dump_json()
    return Response(body, status_code=202, headers=location, media_type="application/json")


router.add_api_route(
    "",
    start_run,
    methods=["POST"],
    status_code=202,
    response_model=RunDetailView,
    dependencies=[OPERATOR],
    route_class_override=StartRoute,
)
