"""HTTP in and out."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from central_registry.domain import Instance, Registry, RegistryError, StorageError
from central_registry.errors import as_api_exception
from maestro_core_api import require_role
from maestro_core_logging import get_logger

_logger = get_logger(__name__)


class RegistrationRequest(BaseModel):
    """What a service says about one of its instances."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    url: str
    """Where the instance answers, http or https."""
    version: str
    """Version of the service that runs there."""
    metadata: dict[str, str] = Field(default_factory=dict)
    """Whatever else should be known."""
    lease_s: float | None = Field(default=None, gt=0, le=86_400)
    """How long the instance is believed in without being heard of, in seconds; the registry's default when absent."""


class InstanceView(BaseModel):
    """A live instance."""

    instance_id: str
    url: str
    version: str
    metadata: dict[str, str]
    registered_at: datetime
    lease_expires_at: datetime

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """Show an instance.

        Args:
            instance: The instance.

        Returns:
            What callers see of it.
        """
        registration = instance.registration
        return cls(
            instance_id=registration.instance_id,
            url=registration.url,
            version=registration.version,
            metadata=dict(registration.metadata),
            registered_at=registration.registered_at,
            lease_expires_at=instance.lease_expires_at,
        )


class ServiceView(BaseModel):
    """A service and its live instances, by identifier."""

    name: str
    instances: list[InstanceView]

    @classmethod
    def of(cls, name: str, instances: tuple[Instance, ...]) -> Self:
        """Show a service.

        Args:
            name: Its name.
            instances: Its live instances.

        Returns:
            What callers see of it.
        """
        return cls(name=name, instances=[InstanceView.of(instance) for instance in instances])


class ServicesView(BaseModel):
    """Every service that has live instances, by name."""

    services: list[ServiceView]


async def _in_http_terms() -> AsyncIterator[None]:
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


TheRegistry = Annotated[Registry, Depends(_registry)]
router = APIRouter(prefix="/services", tags=["registry"], dependencies=[Depends(_in_http_terms)])
_viewer = [Depends(require_role("viewer"))]
_operator = [Depends(require_role("operator"))]


@router.get("", dependencies=_viewer)
async def list_services(registry: TheRegistry) -> ServicesView:
    """List every service that has live instances."""
    return ServicesView(services=[ServiceView.of(name, live) for name, live in registry.live().items()])


@router.get("/{name}", dependencies=_viewer)
async def look_up(name: str, registry: TheRegistry) -> ServiceView:
    """Show the live instances of a service; 404 when there is none."""
    return ServiceView.of(name, registry.look_up(name))


@router.put("/{name}/instances/{instance_id}", dependencies=_operator, responses={201: {"model": InstanceView}})
async def register(
    name: str, instance_id: str, data: RegistrationRequest, registry: TheRegistry, response: Response
) -> InstanceView:
    """Register an instance (201), or change it and renew its lease (200)."""
    instance, created = await registry.register(
        name,
        instance_id,
        url=data.url,
        version=data.version,
        metadata=data.metadata,
        lease=None if data.lease_s is None else timedelta(seconds=data.lease_s),
    )
    if created:
        response.status_code = 201
        _logger.info("Instance registered", instance_of=name, instance_id=instance_id, url=data.url)
    return InstanceView.of(instance)


@router.post("/{name}/instances/{instance_id}/lease", dependencies=_operator)
async def renew(name: str, instance_id: str, registry: TheRegistry) -> InstanceView:
    """Renew a lease; 404 when it ran out, and the instance must register again."""
    return InstanceView.of(registry.renew(name, instance_id))


@router.delete("/{name}/instances/{instance_id}", dependencies=_operator, status_code=204)
async def leave(name: str, instance_id: str, registry: TheRegistry) -> None:
    """Deregister an instance. Doing so twice is no error."""
    if await registry.leave(name, instance_id):
        _logger.info("Instance left", instance_of=name, instance_id=instance_id)
