"""Who may follow a run: everybody of the platform with the role, and of a tenant whoever it runs for."""

from typing import Any

from starlette.requests import HTTPConnection

from maestro_core_api import (
    APIException,
    ForbiddenException,
    NotFoundException,
    Principal,
    RemoteAPIException,
    UnauthorizedException,
    current_principal,
)
from orchestration_gateway.triggers.schedules import schedule_id

from .tickets import TicketError

_ROLE = "viewer"


class RunNotFoundException(NotFoundException):
    """404: there is no such run, or not for this caller."""

    error_code = "RUN_NOT_FOUND"
    message = "Run not found"


async def stream_caller(connection: HTTPConnection, ticket: str | None, state: Any) -> Principal:
    """Tell who opens a stream: by the bearer token, or by a ticket in the address.

    Args:
        connection: The request or WebSocket.
        ticket: The ticket.
        state: What the lifespan has opened.

    Returns:
        The caller, who has the role of a viewer.

    Raises:
        UnauthorizedException: Neither is there, or the ticket is not good.
        ForbiddenException: The role is missing.
    """
    try:
        caller = await current_principal(connection)
    except UnauthorizedException:
        if ticket is None:
            raise
        try:
            caller = state.tickets.read(ticket, state.clock())
        except TicketError as error:
            raise UnauthorizedException(
                "The stream ticket is not valid", detail=str(error), error_code="TICKET_INVALID", rule="stream-ticket"
            ) from error
    if not caller.has_role(_ROLE):
        raise ForbiddenException("A role is missing", error_code="ROLE_REQUIRED", rule=f"role:{_ROLE}")
    return caller


async def require_visible(run_id: str, caller: Principal, state: Any) -> None:
    """Refuse runs that a caller must not see.

    Raises:
        RunNotFoundException: There is no such run, or it runs for somebody else.
        APIException: The orchestrator is away.
    """
    try:
        run = await state.orchestrator.run(run_id)
    except RemoteAPIException as error:
        if error.status_code == 404:
            raise RunNotFoundException(detail=f"there is no run {run_id!r}") from error
        raise
    if not runs_for(run, caller):
        raise RunNotFoundException(detail=f"there is no run {run_id!r}")


def runs_for(run: dict[str, Any], caller: Principal) -> bool:
    """Tell whether a caller may see a run."""
    if caller.tenant is None or run["attributes"].get("tenant") == caller.tenant:
        return True
    # Runs of schedules carry no attributes; their trigger and its tenant stand in their id.
    schedule, at, _ = str(run["id"]).partition("@")
    prefix, _, rest = schedule.partition(".")
    return prefix == "trigger" and bool(at) and schedule == schedule_id(rest.partition(".")[0], caller.tenant)


def is_away(error: APIException) -> bool:
    """Tell whether an error says only that the orchestrator cannot be asked now."""
    return error.status_code >= 500 or error.status_code == 429
