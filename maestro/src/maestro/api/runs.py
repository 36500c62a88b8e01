"""Runs over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from maestro.api.event_stream import EventStream
from maestro.api.requests import ANY_JSON, InterventionRequest, any_json, invalid
from maestro.api.run_views import RunDetailView, event_view
from maestro.api.state import OPERATOR, VIEWER, TheRuns
from maestro.errors import answered
from maestro_core_api import idempotent

router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[VIEWER])


class ForkRequest(BaseModel):
    """Where to fork."""

    model_config = ConfigDict(extra="forbid")

    step: int = Field(ge=1)
    """The step's number: `seq` in the history. It and what follows run anew."""
    id: str | None = None
    """The new run's id. Default: a new one."""


class PriorityRequest(BaseModel):
    """Where in its queue a run is to stand."""

    model_config = ConfigDict(extra="forbid")

    priority: int = Field(ge=0, le=9)
    """0 (most urgent) to 9."""


class HistoryView(BaseModel):
    """Everything that happened to a run, in order."""

    events: list[dict[str, Any]]


@router.get("/{run_id}")
async def show_run(run_id: str, runs: TheRuns) -> RunDetailView:
    """Show a run in full: input, output, error, and what it waits for."""
    with answered():
        return RunDetailView.of(await runs.get(run_id))


@router.get("/{run_id}/history")
async def show_history(run_id: str, runs: TheRuns) -> HistoryView:
    """Show everything that happened to a run, in order."""
    with answered():
        return HistoryView(events=[event_view(event) for event in await runs.history(run_id)])


@router.get("/{run_id}/export")
async def export_run(run_id: str, runs: TheRuns) -> dict[str, Any]:
    """Return a run as a document: its events as the journal has them, for replay and for import elsewhere."""
    with answered():
        return await runs.export(run_id)


@router.get(
    "/{run_id}/events",
    status_code=200,
    response_class=EventStream,
    responses={204: {"description": "The run has ended, and all its events were seen"}},
)
async def stream_events(run_id: str, runs: TheRuns, last_event_id: Annotated[str | None, Header()] = None) -> Response:
    """Follow a run: its history so far, then each event as it happens. The stream ends with the run's last event.

    With `Last-Event-ID`, only what came after it. When nothing can come after it any more the answer is 204, which
    stops browsers from connecting again.
    """
    after = -1
    if last_event_id:
        if not last_event_id.isdecimal():
            raise invalid("header.Last-Event-ID", "must be the id of an event of this run, a number")
        after = int(last_event_id)
    with answered():
        run = await runs.get(run_id)
        if not run.status.is_open and after >= 0:
            history = await runs.history(run_id)
            if history and history[-1].position <= after:
                return Response(status_code=204)
    return EventStream(runs.watch(run_id, after=after))


@router.get("/{run_id}/queries/{key}")
async def query_run(run_id: str, key: str, runs: TheRuns) -> Any:
    """Return what the run has published under a key: its progress, for instance."""
    with answered():
        return await runs.query(run_id, key)


@router.post("/{run_id}/signals/{name}", status_code=202, dependencies=[OPERATOR], openapi_extra=ANY_JSON)
@idempotent
async def send_signal(run_id: str, name: str, request: Request, runs: TheRuns) -> dict[str, str]:
    """Send a signal: any JSON value, or nothing. It is on disk when the answer comes.

    With an `Idempotency-Key` it is sent once, however often the request comes.
    """
    payload = await any_json(request)
    with answered():
        await runs.signal(run_id, name, payload)
    return {"run_id": run_id, "signal": name}


@router.post("/{run_id}/cancel", status_code=202, dependencies=[OPERATOR])
async def cancel_run(run_id: str, runs: TheRuns, data: InterventionRequest | None = None) -> dict[str, str]:
    """Ask a run to stop; it may still clean up. Asking again is fine."""
    with answered():
        await runs.cancel(run_id, data.reason if data else "")
    return {"run_id": run_id}


@router.post("/{run_id}/terminate", status_code=202, dependencies=[OPERATOR])
async def terminate_run(run_id: str, runs: TheRuns, data: InterventionRequest | None = None) -> dict[str, str]:
    """End a run at once, without letting it clean up. One that has ended stays as it is."""
    with answered():
        await runs.terminate(run_id, data.reason if data else "")
    return {"run_id": run_id}


@router.post("/{run_id}/pause", status_code=202, dependencies=[OPERATOR])
async def pause_run(run_id: str, runs: TheRuns, data: InterventionRequest | None = None) -> dict[str, str]:
    """Start nothing more of a run until it is resumed. Attempts that are under way go on; signals are kept."""
    with answered():
        await runs.pause(run_id, data.reason if data else "")
    return {"run_id": run_id}


@router.post("/{run_id}/resume", status_code=202, dependencies=[OPERATOR])
async def resume_run(run_id: str, runs: TheRuns) -> dict[str, str]:
    """Let a paused run go on; one that is not paused stays as it is."""
    with answered():
        await runs.resume(run_id)
    return {"run_id": run_id}


@router.put("/{run_id}/priority", status_code=202, dependencies=[OPERATOR])
async def reprioritize_run(run_id: str, data: PriorityRequest, runs: TheRuns) -> dict[str, str | int]:
    """Move a run within the queue it waits in."""
    with answered():
        await runs.reprioritize(run_id, data.priority)
    return {"run_id": run_id, "priority": data.priority}


@router.post("/{run_id}/retry", status_code=202, dependencies=[OPERATOR])
async def retry_run(run_id: str, runs: TheRuns) -> dict[str, str]:
    """Let a failed run go on from its last failed step; steps that completed before it do not run again."""
    with answered():
        await runs.retry(run_id)
    return {"run_id": run_id}


@router.post("/{run_id}/fork", status_code=202, dependencies=[OPERATOR])
async def fork_run(run_id: str, data: ForkRequest, response: Response, runs: TheRuns) -> RunDetailView:
    """Start a new run that takes over what completed before a step."""
    with answered():
        run = await runs.fork(run_id, data.step, data.id)
    response.headers["Location"] = f"/runs/{quote(run.id, safe='')}"
    return RunDetailView.of(run)
