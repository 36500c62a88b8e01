"""HTTP in and out: the endpoints that may answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from intelligence_service.models.routed import EndpointView, RoutedModel
from maestro_core_api import require_role

router = APIRouter(prefix="/models")


async def _routed(request: Request) -> RoutedModel:
    routed: RoutedModel = request.state.routed
    return routed


@router.get("", dependencies=[Depends(require_role("viewer"))])
async def list_endpoints(routed: Annotated[RoutedModel, Depends(_routed)]) -> dict[str, list[EndpointView]]:
    """List the endpoints: where they stand in line, and whether their circuit breaker lets calls through.

    Args:
        routed: Filled in by FastAPI.

    Returns:
        `endpoints`, in the process that answers; never a key.
    """
    return {"endpoints": routed.view()}
