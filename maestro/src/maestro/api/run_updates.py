"""Updates of runs over HTTP: requests that a workflow answers."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from maestro.api.requests import ANY_JSON, any_json
from maestro.api.state import OPERATOR, VIEWER, TheRuns
from maestro.domain.errors import UpdateUnansweredError
from maestro.errors import answered

router = APIRouter(prefix="/runs/{run_id}/updates", tags=["runs"], dependencies=[VIEWER])

_NOT_YET = "The run is working on it, and its answer has not come yet; it is on disk, and goes on"
AnId = Annotated[str, Query(alias="id", min_length=1, max_length=200)]


class UpdateView(BaseModel):
    """How an update stands."""

    run_id: str
    name: str
    id: str
    """Asking again with this id is the same request."""
    answered: bool
    answer: Any
    """What the workflow's handler returned; null while there is no answer."""


_RESPONSES: dict[int | str, dict[str, Any]] = {202: {"model": UpdateView, "description": _NOT_YET}}


@router.post("/{name}", dependencies=[OPERATOR], openapi_extra=ANY_JSON, responses=_RESPONSES)
async def ask_update(
    run_id: str,
    name: str,
    request: Request,
    response: Response,
    runs: TheRuns,
    update_id: Annotated[
        str | None,
        Query(
            alias="id",
            min_length=1,
            max_length=200,
            description="The update's id. Asking again with the same one is the same request, so that a caller that lost "
            "the connection asks again. Default: a new one.",
        ),
    ] = None,
    timeout_s: Annotated[
        float, Query(ge=0.1, le=300, allow_inf_nan=False, description="How long to wait for the answer.")
    ] = 30.0,
) -> UpdateView:
    """Ask a run for something (the body: any JSON value, or nothing) and wait for its answer.

    200 is the answer. 202 says that none has come in time: the request is on disk and goes on; `Location` is where to look
    for the answer. 409 `UPDATE_REJECTED` when the run takes no such update, 422 `UPDATE_FAILED` when its validator or handler
    raised.
    """
    payload = await any_json(request)
    chosen = update_id or uuid.uuid4().hex
    with answered():
        try:
            answer = await runs.update(run_id, name, payload, update_id=chosen, wait=timedelta(seconds=timeout_s))
        except UpdateUnansweredError:
            return _not_yet(response, run_id, name, chosen)
    return UpdateView(run_id=run_id, name=name, id=chosen, answered=True, answer=answer)


@router.get("/{name}", responses=_RESPONSES)
async def show_update(run_id: str, name: str, update_id: AnId, response: Response, runs: TheRuns) -> UpdateView:
    """Show the answer to an update, by the update's id; 202 while there is none."""
    with answered():
        outcome = await runs.find_update(run_id, name, update_id)
    if not outcome.answered:
        return _not_yet(response, run_id, name, update_id)
    return UpdateView(run_id=run_id, name=name, id=update_id, answered=True, answer=outcome.output)


def _not_yet(response: Response, run_id: str, name: str, update_id: str) -> UpdateView:
    response.status_code = 202
    place = f"/runs/{quote(run_id, safe='')}/updates/{quote(name, safe='')}"
    response.headers["Location"] = f"{place}?id={quote(update_id, safe='')}"
    return UpdateView(run_id=run_id, name=name, id=update_id, answered=False, answer=None)
