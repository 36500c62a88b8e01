"""HTTP in and out: what services declare, what operators ask, and what Envoy fetches."""

import hmac
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ValidationError

from central_registry.api import in_http_terms
from maestro_core_api import MaestroAPI, platform_caller, public, require_role
from maestro_core_api.gateway import Declaration
from maestro_core_logging import get_logger
from maestro_gateway import EdgeSnapshot, find_conflicts

from .bootstrap import GatewayRoom
from .discovery import DiscoveryRequest, Kind
from .errors import DeclarationNotFoundException, GatewaySettingsException, GatewayTokenException

_LOGGER: Final = get_logger(__name__)


class FindingView(BaseModel):
    """Something to look at in the declarations."""

    severity: str
    rule: str
    service: str
    text: str


class FindingsView(BaseModel):
    """Everything there is to look at, errors first."""

    findings: list[FindingView]


async def _room(request: Request) -> GatewayRoom:
    room: GatewayRoom = request.state.gateway
    return room


Room = Annotated[GatewayRoom, Depends(_room)]
Name = Annotated[str, Path(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
Version = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]

router = APIRouter(tags=["gateway"], dependencies=[Depends(in_http_terms)])
_viewer = [Depends(require_role("viewer"))]
_operator = [Depends(require_role("operator")), Depends(platform_caller)]
_admin = [Depends(require_role("admin")), Depends(platform_caller)]
# The edge as a whole, with every instance's address, is for those who run it.
_edge_viewer = [*_viewer, Depends(platform_caller)]


@router.put("/catalog/{name}/gateway/{version}", dependencies=_operator, status_code=204)
async def declare(name: Name, version: Version, data: Declaration, room: Room) -> None:
    """Say what a version of a service wants of the gateway."""
    if await room.declarations.declare(name, version, data):
        _LOGGER.info("Routes declared", declared_by=name, declared_version=version, routes=len(data.routes))


@router.get("/catalog/{name}/gateway", dependencies=_viewer)
async def show_declarations(name: Name, room: Room) -> dict[str, Declaration]:
    """Show what a service has declared, by version."""
    for service in room.declarations.snapshot().services:
        if service.name == name and service.declarations:
            return service.declarations
    raise DeclarationNotFoundException(detail=name)


@router.delete("/catalog/{name}/gateway", dependencies=_admin, status_code=204)
async def forget(name: Name, room: Room) -> None:
    """Take a service out of the gateway, until it declares something again."""
    if await room.declarations.forget(name):
        _LOGGER.info("Routes forgotten", declared_by=name)


@router.get("/gateway/snapshot", dependencies=_edge_viewer)
async def snapshot(room: Room) -> EdgeSnapshot:
    """Show everything that the gateway's routes are made from."""
    return room.declarations.snapshot()


@router.get("/gateway/findings", dependencies=_edge_viewer)
async def findings(room: Room) -> FindingsView:
    """Show what is wrong, or odd, in the declarations."""
    found = find_conflicts(room.declarations.snapshot())
    return FindingsView(findings=[FindingView(**asdict(finding)) for finding in found])


@router.get("/gateway/nodes", dependencies=_edge_viewer)
async def nodes(room: Room) -> dict[str, Any]:
    """Show which gateways ask here, and which configuration each has accepted."""
    return {
        "nodes": {
            node: {kind: asdict(seen) for kind, seen in kinds.items()} for node, kinds in room.discovery.nodes().items()
        }
    }


@router.post("/v3/discovery:{kind}", include_in_schema=False)
@public  # Envoy shows a token of its own, which is checked below
async def discover(kind: Kind, request: Request, room: Room) -> Response:
    """Give a gateway its configuration (xDS over REST)."""
    _check_token(request, room.token)
    app: MaestroAPI = request.app
    try:
        asked = DiscoveryRequest.model_validate_json(await request.body())
        answer = await room.discovery.answer(kind, asked, stopping=app.draining)
    except ValidationError as error:
        raise GatewaySettingsException(detail=str(error)) from error
    if answer is None:
        return Response(status_code=304)
    return Response(answer.model_dump_json(), media_type="application/json")


def _check_token(request: Request, token: str | None) -> None:
    shown = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token is None or not hmac.compare_digest(shown.encode(), token.encode()):
        detail = "set CENTRAL_REGISTRY_GATEWAY_TOKEN" if token is None else "send the gateway's token as a bearer token"
        raise GatewayTokenException(detail=detail, rule="gateway-token", headers={"WWW-Authenticate": "Bearer"})
