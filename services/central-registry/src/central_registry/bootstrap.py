"""The only place where the parts are put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final, TypedDict

from central_registry.api import router
from central_registry.catalog.api import router as catalog_router
from central_registry.catalog.domain import Catalog, CatalogLimits, Draft
from central_registry.catalog.housekeeping import forget_old_calls
from central_registry.catalog.storage import SqliteCatalogStore
from central_registry.clock import SteadyClock
from central_registry.config import CentralRegistryConfig
from central_registry.database import RegistryDatabase
from central_registry.domain import Balancing, ChangeLog, Clock, HealthCheck, Limits, Registry, RegistryError
from central_registry.gateway import GatewayRoom, opened_gateway
from central_registry.gateway import router as gateway_router
from central_registry.housekeeping import Housekeeper, OwnEntry
from central_registry.metrics import RegistryMetrics
from central_registry.outbox import SqliteOutbox
from central_registry.probing import Prober
from central_registry.publishing import events_document, publish
from central_registry.storage import SqliteRegistrationStore
from central_registry.watching import Watchers
from maestro_core_api import APIConfig, MaestroAPI, configure_service_logging, running_task
from maestro_core_api.gateway import GatewayConfig, declaration_of
from maestro_core_config import ConfigManager
from maestro_core_monitoring import Objectives

_TITLE = "Central Registry API"
_VERSION = "1.0.0"
_OWNER: Final = "platform"
_DESCRIPTION: Final = "Who runs where, and what each service is."


class State(TypedDict):
    """What requests find in `request.state`."""

    registry: Registry
    catalog: Catalog
    clock: Clock
    balancing: Balancing
    probe_defaults: HealthCheck
    watchers: Watchers
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
        configure_service_logging(config, version=_VERSION)
    settings = config

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            try:
                state = await _open(settings, clock or SteadyClock(), app, metrics, stack)
            except RegistryError as error:
                app.logger.critical("The registry cannot start", reason=str(error), code=error.code)
                raise
            yield state

    # The registry knows itself without HTTP, and it would wait for its own answer before it can give any.
    hidden = GatewayConfig(hidden=(*GatewayConfig().hidden, "/v3"))
    api_config = APIConfig.from_config(settings, title=_TITLE, version=_VERSION, registry_url=None, gateway=hidden)
    app = MaestroAPI(api_config, lifespan=lifespan, settings=manager)
    metrics = RegistryMetrics(app.metrics)
    # A watcher stays for as long as it likes, which says nothing about speed.
    app.metrics.objectives = Objectives(untimed=("/services/watch",))
    app.include_router(router)
    app.include_router(catalog_router)
    app.include_router(gateway_router)
    return app


async def _open(
    config: CentralRegistryConfig, clock: Clock, app: MaestroAPI, metrics: RegistryMetrics, stack: AsyncExitStack
) -> State:
    database = await stack.enter_async_context(RegistryDatabase.opened(config.database_file))
    # Without a server for events they would be kept for nobody.
    outbox = None if config.messaging_url is None else SqliteOutbox(database)
    registry = Registry(
        SqliteRegistrationStore(database, outbox),
        clock=clock,
        default_lease=timedelta(seconds=config.default_lease_s),
        limits=Limits(
            min_lease=timedelta(seconds=config.min_lease_s),
            max_lease=timedelta(seconds=config.max_lease_s),
            max_metadata_bytes=config.max_metadata_bytes,
            max_instances=config.max_instances,
        ),
        pause_tolerance=timedelta(seconds=config.pause_tolerance_s),
        changes=ChangeLog(capacity=config.change_log_size),
    )
    known = await registry.restore()
    app.logger.info("Registrations restored", count=known, path=str(config.database_file))
    catalog = _catalog(config, registry, database, clock)
    entries = await catalog.restore()
    app.logger.info("Catalog restored", count=entries)
    await catalog.put(config.service_name, await _own_entry(app))
    await stack.enter_async_context(running_task(forget_old_calls(catalog), name="forget-old-calls"))
    if outbox is not None:
        await stack.enter_async_context(running_task(publish(outbox, config, app.metrics), name="publish-events"))
    watchers = Watchers(config.max_watchers)
    metrics.measure(registry, watchers)
    await stack.enter_async_context(running_task(metrics.count_changes(registry), name="count-changes"))
    await stack.enter_async_context(_housekeeper(config, registry, clock, app).at_work())
    await stack.enter_async_context(_prober(config, registry).at_work())
    # Last, since from here on gateways are told of what is there.
    gateway = await stack.enter_async_context(opened_gateway(config, database, registry))
    await gateway.declarations.declare(config.service_name, _VERSION, declaration_of(app))
    return State(
        registry=registry,
        gateway=gateway,
        catalog=catalog,
        clock=clock,
        balancing=Balancing(slow_start=timedelta(seconds=config.slow_start_s)),
        probe_defaults=HealthCheck(
            "/",
            interval=timedelta(seconds=config.probe_interval_s),
            timeout=timedelta(seconds=config.probe_timeout_s),
        ),
        watchers=watchers,
    )


async def _own_entry(app: MaestroAPI) -> Draft:
    return Draft(
        version=_VERSION,
        owner=_OWNER,
        description=_DESCRIPTION,
        openapi=app.openapi(),
        asyncapi=await events_document(_VERSION),
    )


def _catalog(config: CentralRegistryConfig, registry: Registry, database: RegistryDatabase, clock: Clock) -> Catalog:
    def live_versions(service: str) -> frozenset[str]:
        return frozenset(each.registration.version for each in registry.live().get(service, ()))

    return Catalog(
        SqliteCatalogStore(database),
        clock=clock,
        live_versions=live_versions,
        live_services=registry.live,
        limits=CatalogLimits(max_document_bytes=config.max_document_bytes),
        implicit=config.implicit_dependencies,
        window=timedelta(days=config.dependency_window_days),
        kept=timedelta(days=config.observations_kept_days),
    )


def _housekeeper(config: CentralRegistryConfig, registry: Registry, clock: Clock, app: MaestroAPI) -> Housekeeper:
    url = config.advertise_url or app.bound_url
    return Housekeeper(
        registry,
        own_entry=OwnEntry(config.service_name, url, _VERSION) if url is not None else None,
        interval=timedelta(seconds=config.sweep_interval_s),
        clock=clock,
        beat=timedelta(seconds=config.pause_tolerance_s) / 4,
    )


def _prober(config: CentralRegistryConfig, registry: Registry) -> Prober:
    return Prober(
        registry,
        concurrency=config.probe_concurrency,
        stall=timedelta(seconds=config.pause_tolerance_s),
        ca_file=config.probe_ca_file,
    )
