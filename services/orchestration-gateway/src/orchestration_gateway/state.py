"""What requests find in `request.state`, and the roles that endpoints want."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final, TypedDict

from fastapi import Depends
from starlette.requests import HTTPConnection

from maestro_core_api import Principal, require_role

if TYPE_CHECKING:
    from orchestration_gateway.clock import Clock
    from orchestration_gateway.config import OrchestrationGatewayConfig
    from orchestration_gateway.live.hub import RunHub
    from orchestration_gateway.live.run_changes import RunChanges
    from orchestration_gateway.live.tickets import Tickets
    from orchestration_gateway.orchestrator import Orchestrator
    from orchestration_gateway.quotas.quotas import Quotas
    from orchestration_gateway.screens.screens import Screens
    from orchestration_gateway.triggers.delivery_store import DeliveryStore
    from orchestration_gateway.triggers.event_intake import EventIntake
    from orchestration_gateway.triggers.intake import Intake
    from orchestration_gateway.triggers.schedules import Schedules
    from orchestration_gateway.triggers.triggers import Triggers


class State(TypedDict):
    """What requests find in `request.state`."""

    config: OrchestrationGatewayConfig
    clock: Clock
    orchestrator: Orchestrator
    triggers: Triggers
    schedules: Schedules
    intake: Intake
    events: EventIntake
    deliveries: DeliveryStore
    quotas: Quotas
    hub: RunHub
    changes: RunChanges
    tickets: Tickets
    screens: Screens
    mcp: Any
    stopping: asyncio.Event


async def the_state(connection: HTTPConnection) -> Any:
    """Give an endpoint what the lifespan has opened."""
    return connection.state


VIEWER: Final = Depends(require_role("viewer"))
OPERATOR: Final = Depends(require_role("operator"))
ADMIN: Final = Depends(require_role("admin"))
TheState = Annotated[Any, Depends(the_state)]
Viewer = Annotated[Principal, VIEWER]
Operator = Annotated[Principal, OPERATOR]
Admin = Annotated[Principal, ADMIN]
