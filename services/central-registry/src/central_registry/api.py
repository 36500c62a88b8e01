"""HTTP in and out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from central_registry.domain import (
    Balancing,
    Change,
    Clock,
    HealthCheck,
    Hint,
    Instance,
    Registry,
    RegistryError,
    Selection,
    StorageError,
)
from central_registry.errors import as_api_exception
from central_registry.views import (
    ChangeView,
    Hinting,
    InstanceView,
    RegistrationRequest,
    ResetView,
    ServicesView,
    ServiceView,
    seconds,
)
from central_registry.watching import ChangeMessages, Reason, Watchers, WatchStream
from maestro_core_api import platform_caller, require_role
from maestro_core_logging import get_logger

_logger = get_logger(__name__)


async def in_http_terms() -> AsyncIterator[None]:
    """Turn the domain's errors into answers, for all endpoints alike."""
    try:
        yield
    except StorageError as error:
        _logger.error("The database cannot be written", path=str(error.path), reason=error.reason, hint=error.hint)
        raise as_api_exception(error) from error
    except RegistryError as error:
        raise as_api_exception(error) from error


async def _registry(request: Request) -> Registry:
    registry: Registry = request.state.registry
    return registry


async def _probe_defaults(request: Request) -> HealthCheck:
    check: HealthCheck = request.state.probe_defaults
    return check


async def _hinting(
    request: Request, near: Annotated[str | None, Query(description="Zone of whoever asks.", max_length=63)] = None
) -> Hinting:
    balancing: Balancing = request.state.balancing
    clock: Clock = request.state.clock

    def hint(instance: Instance) -> Hint:
        # Asked each time: a watcher stays for long, and what a request registers is younger than the request.
        return balancing.hint(instance, clock(), near)

    return hint


async def _selection(
    zone: Annotated[str | None, Query(description="Only instances of this zone.", max_length=63)] = None,
    tag: Annotated[
        list[str] | None, Query(description="Only instances with this tag; several: with all.", max_length=32)
    ] = None,
    version: Annotated[
        str | None, Query(description="Only this version, or what begins with it.", max_length=64)
    ] = None,
    health: Annotated[
        Literal["passing", "any"], Query(description="`any` shows those too whose probes fail.")
    ] = "passing",
) -> Selection:
    return Selection(zone=zone, tags=frozenset(tag or ()), version=version, with_unhealthy=health == "any")


TheRegistry = Annotated[Registry, Depends(_registry)]
TheHinting = Annotated[Hinting, Depends(_hinting)]
TheSelection = Annotated[Selection, Depends(_selection)]
router = APIRouter(prefix="/services", tags=["registry"], dependencies=[Depends(in_http_terms)])
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
_viewer = [Depends(require_role("viewer"))]
# What is said of a service holds for every tenant. Reading is free to them: a client that hands on its caller's token looks up with it.
_operator = [Depends(require_role("operator")), Depends(platform_caller)]


@router.get("", dependencies=_viewer)
async def list_services(registry: TheRegistry, selection: TheSelection, hinting: TheHinting) -> ServicesView:
    """List every service that has live instances."""
    found = registry.live(selection)
    return ServicesView(services=[ServiceView.of(name, live, hinting) for name, live in found.items()])


@router.get("/watch", dependencies=_viewer, response_class=StreamingResponse, responses=_STREAM)
async def watch(
    request: Request,
    registry: TheRegistry,
    hinting: TheHinting,
    service: Annotated[list[str] | None, Query(description="Only these services.", max_length=100)] = None,
    last_event_id: Annotated[str | None, Header(description="The last event that is known.", max_length=100)] = None,
) -> WatchStream:
    """Watch changes: first `reset` with all there is, then one event for each change; resumes after `Last-Event-ID`."""
    watchers: Watchers = request.state.watchers
    watchers.check()
    wanted = frozenset(service or ())

    def concerns(name: str) -> bool:
        return not wanted or name in wanted

    def reset(reason: Reason) -> ResetView:
        live = registry.live().items()
        services = [ServiceView.of(name, each, hinting) for name, each in live if concerns(name)]
        return ResetView(reason=reason, services=services)

    def show(change: Change) -> ChangeView | None:
        return ChangeView.of(change, hinting) if concerns(change.instance.key.service) else None

    messages = ChangeMessages(registry.changes, reset=reset, show=show, ending=request.app.draining)

    async def counted() -> AsyncIterator[bytes]:
        with watchers.counted():
            async for message in messages.since(last_event_id):
                yield message

    return WatchStream(counted())


@router.get("/{name}", dependencies=_viewer)
async def look_up(name: str, registry: TheRegistry, selection: TheSelection, hinting: TheHinting) -> ServiceView:
    """Show the live instances of a service, with how much of the traffic each should get; 404 when there is none."""
    return ServiceView.of(name, registry.look_up(name, selection), hinting)


@router.put("/{name}/instances/{instance_id}", dependencies=_operator, responses={201: {"model": InstanceView}})
async def register(
    name: str,
    instance_id: str,
    data: RegistrationRequest,
    registry: TheRegistry,
    hinting: TheHinting,
    probe_defaults: Annotated[HealthCheck, Depends(_probe_defaults)],
    response: Response,
) -> InstanceView:
    """Register an instance (201), or change it and renew its lease (200)."""
    instance, created = await registry.register(
        name,
        instance_id,
        url=data.url,
        version=data.version,
        metadata=data.metadata,
        lease=None if data.lease_s is None else timedelta(seconds=data.lease_s),
        zone=data.zone,
        tags=data.tags,
        health_check=_health_check(data, probe_defaults),
    )
    if created:
        response.status_code = 201
        _logger.info("Instance registered", instance_of=name, instance_id=instance_id, url=data.url)
    return InstanceView.of(instance, hinting(instance))


@router.post("/{name}/instances/{instance_id}/lease", dependencies=_operator)
async def renew(name: str, instance_id: str, registry: TheRegistry, hinting: TheHinting) -> InstanceView:
    """Renew a lease; 404 when it ran out, and the instance must register again."""
    instance = registry.renew(name, instance_id)
    return InstanceView.of(instance, hinting(instance))


@router.delete("/{name}/instances/{instance_id}", dependencies=_operator, status_code=204)
async def leave(name: str, instance_id: str, registry: TheRegistry) -> None:
    """Deregister an instance. Doing so twice is no error."""
    if await registry.leave(name, instance_id):
        _logger.info("Instance left", instance_of=name, instance_id=instance_id)


def _health_check(data: RegistrationRequest, defaults: HealthCheck) -> HealthCheck | None:
    if data.health_path is None:
        return None
    interval = seconds(data.health_interval_s, defaults.interval)
    return HealthCheck(
        data.health_path,
        interval=interval,
        timeout=seconds(data.health_timeout_s, min(defaults.timeout, interval)),
        unhealthy_after=data.unhealthy_after,
        healthy_after=data.healthy_after,
    )
