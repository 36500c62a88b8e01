"""The only place where the parts are put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TypedDict

from central_registry.api import router
from central_registry.clock import SteadyClock
from central_registry.config import CentralRegistryConfig
from central_registry.domain import Clock, Limits, Registry, RegistryError
from central_registry.gateway import GatewayRoom, opened_gateway
from central_registry.gateway import router as gateway_router
from central_registry.housekeeping import Housekeeper, OwnEntry
from central_registry.storage import SqliteRegistrationStore
from maestro_core_api import APIConfig, MaestroAPI
from maestro_core_api.gateway import GatewayConfig, declaration_of
from maestro_core_config import ConfigManager
from maestro_core_logging import configure_logging

_TITLE = "Central Registry API"
_VERSION = "1.0.0"


class State(TypedDict):
    """What requests find in `request.state`."""

    registry: Registry
    gateway: GatewayRoom


def create_app(config: CentralRegistryConfig | None = None, *, clock: Clock | None = None) -> MaestroAPI:
    """Build the service.

    Args:
        config: Its configuration; None loads it.
        clock: Gives the present; None takes a steady clock.

    Returns:
        The application; what it needs is opened by its lifespan.

    Raises:
        ConfigError: The configuration is not valid.
    """
    manager = None
    if config is None:
        manager = ConfigManager(CentralRegistryConfig)
        config = manager.load()
        configure_logging(
            config.service_name,
            log_format=config.log_format,
            log_level=config.log_level,
            environment=config.environment,
            version=_VERSION,
        )
    settings = config

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            try:
                registry = await _open(settings, clock or SteadyClock(), app, stack)
                gateway = await stack.enter_async_context(opened_gateway(settings, registry))
                await gateway.catalog.declare(settings.service_name, _VERSION, declaration_of(app))
            except RegistryError as error:
                app.logger.critical("The registry cannot start", reason=str(error), code=error.code)
                raise
            yield State(registry=registry, gateway=gateway)

    # The registry knows itself without HTTP, and it would wait for its own answer before it can give any.
    hidden = GatewayConfig(hidden=(*GatewayConfig().hidden, "/v3"))
    api_config = APIConfig.from_config(settings, title=_TITLE, version=_VERSION, registry_url=None, gateway=hidden)
    app = MaestroAPI(api_config, lifespan=lifespan, settings=manager)
    app.include_router(router)
    app.include_router(gateway_router)
    return app


async def _open(config: CentralRegistryConfig, clock: Clock, app: MaestroAPI, stack: AsyncExitStack) -> Registry:
    store = await stack.enter_async_context(SqliteRegistrationStore.opened(config.database_file))
    registry = Registry(
        store,
        clock=clock,
        default_lease=timedelta(seconds=config.default_lease_s),
        limits=Limits(
            min_lease=timedelta(seconds=config.min_lease_s),
            max_lease=timedelta(seconds=config.max_lease_s),
            max_metadata_bytes=config.max_metadata_bytes,
        ),
    )
    known = await registry.restore()
    app.logger.info("Registrations restored", count=known, path=str(config.database_file))
    url = config.advertise_url or app.bound_url
    housekeeper = Housekeeper(
        registry,
        own_entry=OwnEntry(config.service_name, url, _VERSION) if url is not None else None,
        interval=timedelta(seconds=config.sweep_interval_s),
    )
    await stack.enter_async_context(housekeeper.at_work())
    return registry
