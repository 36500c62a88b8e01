"""What the lifespan opens and endpoints use."""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request

from maestro.domain.definitions import Definitions
from maestro.domain.events import Events
from maestro.domain.holds import Holds
from maestro.domain.many_runs import ManyRuns
from maestro.domain.personas import Personas
from maestro.domain.queues import Queues
from maestro.domain.removal import Removal
from maestro.domain.runs import Runs
from maestro.domain.schedules import Schedules
from maestro_core_api import require_role


class State(TypedDict):
    """What requests find in `request.state`."""

    definitions: Definitions
    runs: Runs
    many_runs: ManyRuns
    removal: Removal
    holds: Holds
    schedules: Schedules
    queues: Queues
    events: Events
    personas: Personas


async def _definitions(request: Request) -> Definitions:
    found: Definitions = request.state.definitions
    return found


async def _runs(request: Request) -> Runs:
    found: Runs = request.state.runs
    return found


async def _many_runs(request: Request) -> ManyRuns:
    found: ManyRuns = request.state.many_runs
    return found


async def _removal(request: Request) -> Removal:
    found: Removal = request.state.removal
    return found


async def _holds(request: Request) -> Holds:
    found: Holds = request.state.holds
    return found


async def _schedules(request: Request) -> Schedules:
    found: Schedules = request.state.schedules
    return found


async def _queues(request: Request) -> Queues:
    found: Queues = request.state.queues
    return found


async def _events(request: Request) -> Events:
    found: Events = request.state.events
    return found


async def _personas(request: Request) -> Personas:
    found: Personas = request.state.personas
    return found


TheDefinitions = Annotated[Definitions, Depends(_definitions)]
TheRuns = Annotated[Runs, Depends(_runs)]
TheManyRuns = Annotated[ManyRuns, Depends(_many_runs)]
TheRemoval = Annotated[Removal, Depends(_removal)]
TheHolds = Annotated[Holds, Depends(_holds)]
TheSchedules = Annotated[Schedules, Depends(_schedules)]
TheQueues = Annotated[Queues, Depends(_queues)]
TheEvents = Annotated[Events, Depends(_events)]
ThePersonas = Annotated[Personas, Depends(_personas)]

OPERATOR_ROLE = "operator"
VIEWER = Depends(require_role("viewer"))
"""Reads."""
OPERATOR = Depends(require_role(OPERATOR_ROLE))
"""Starts and changes."""
ADMIN = Depends(require_role("admin"))
"""Removes for good."""
