"""What the lifespan opens and endpoints use."""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request

from maestro.domain.definitions import Definitions
from maestro.domain.personas import Personas
from maestro.domain.runs import Runs
from maestro.domain.schedules import Schedules
from maestro_core_api import require_role


class State(TypedDict):
    """What requests find in `request.state`."""

    definitions: Definitions
    runs: Runs
    schedules: Schedules
    personas: Personas


async def _definitions(request: Request) -> Definitions:
    found: Definitions = request.state.definitions
    return found


async def _runs(request: Request) -> Runs:
    found: Runs = request.state.runs
    return found


async def _schedules(request: Request) -> Schedules:
    found: Schedules = request.state.schedules
    return found


async def _personas(request: Request) -> Personas:
    found: Personas = request.state.personas
    return found


TheDefinitions = Annotated[Definitions, Depends(_definitions)]
TheRuns = Annotated[Runs, Depends(_runs)]
TheSchedules = Annotated[Schedules, Depends(_schedules)]
ThePersonas = Annotated[Personas, Depends(_personas)]

OPERATOR_ROLE = "operator"
VIEWER = Depends(require_role("viewer"))
"""Reads."""
OPERATOR = Depends(require_role(OPERATOR_ROLE))
"""Starts and changes."""
