"""The only place where the parts are put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Final, cast

from maestro_core_api import (
    APIClient,
    APIConfig,
    ClientConfig,
    MaestroAPI,
    RetryConfig,
    StartupError,
    configure_service_logging,
)
from maestro_core_config import ConfigManager
from maestro_core_db import Database, DatabaseError, Migrations, Outbox
from maestro_core_messaging import MessagingError
from maestro_core_monitoring import Objectives
from orchestration_gateway import migrations
from orchestration_gateway.clock import Clock, utc_now
from orchestration_gateway.config import OrchestrationGatewayConfig
from orchestration_gateway.dashboard.api import router as dashboard_router
from orchestration_gateway.events import Announcements
from orchestration_gateway.live.api import router as live_router
from orchestration_gateway.live.hub import RunHub
from orchestration_gateway.live.run_changes import RunChanges
from orchestration_gateway.live.tickets import Tickets
from orchestration_gateway.metrics import GatewayMetrics
from orchestration_gateway.orchestrator import Orchestrator
from orchestration_gateway.platform_events import PlatformEvents
from orchestration_gateway.quotas.quotas import Quotas
from orchestration_gateway.screens.api import router as screens_router
from orchestration_gateway.screens.screens import Screens
from orchestration_gateway.state import State
from orchestration_gateway.tools.calls import ToolCalls
from orchestration_gateway.tools.route import ToolsOnDemand, mcp_route
from orchestration_gateway.triggers.api import router as triggers_router
from orchestration_gateway.triggers.delivery_store import DeliveryStore
from orchestration_gateway.triggers.dispatcher import Dispatcher, DispatchOptions
from orchestration_gateway.triggers.errors import GatewayError
from orchestration_gateway.triggers.event_intake import EventIntake
from orchestration_gateway.triggers.files import load_triggers
from orchestration_gateway.triggers.hooks import router as hooks_router
from orchestration_gateway.triggers.intake import Intake
from orchestration_gateway.triggers.jq_pool import JqLimits, JqPool
from orchestration_gateway.triggers.schedules import Schedules
from orchestration_gateway.triggers.sealing import Seal
from orchestration_gateway.triggers.trigger import Origin
from orchestration_gateway.triggers.trigger_store import TriggerStore
from orchestration_gateway.triggers.triggers import Triggers

TITLE: Final = "Orchestration Gateway API"
VERSION: Final = "1.0.0"
_ROUTERS: Final = (hooks_router, triggers_router, live_router, screens_router, dashboard_router)
_STREAMS: Final = ("/live/runs", "/live/runs/{run_id}")
_GOODBYE: Final = timedelta(milliseconds=500)
_ATTEMPT: Final = timedelta(seconds=3)
_MOST_STREAMS: Final = 10_000


def create_app(config: OrchestrationGatewayConfig | None = None, *, clock: Clock = utc_now) -> MaestroAPI:
    """Build the service.

    Args:
        config: Its configuration; None loads it.
        clock: Gives the present.

    Returns:
        The application; what it needs is opened by its lifespan.

    Raises:
        ConfigError: The configuration is not valid.
        TriggerFilesError: Trigger files cannot be used.
    """
    manager = None
    if config is None:
        manager = ConfigManager(OrchestrationGatewayConfig)
        config = manager.load()
        configure_service_logging(config, version=VERSION)
    settings = config
    files = load_triggers(settings.triggers_folder)

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            try:
                state = await _open(settings, app, stack, files, clock)
            except (DatabaseError, GatewayError, MessagingError) as error:
                app.logger.critical("The gateway cannot start", reason=str(error), code=error.code)
                raise StartupError(str(error)) from error
            yield state

    # WebSockets say goodbye within the delay; afterwards the server cuts them off.
    api_config = APIConfig.from_config(
        settings, title=TITLE, version=VERSION, valkey_url=settings.valkey_url, shutdown_delay=_GOODBYE
    )
    app = MaestroAPI(api_config, lifespan=lifespan, settings=manager)
    app.metrics.objectives = Objectives(untimed=_STREAMS)
    for router in _ROUTERS:
        app.include_router(router)
    app.router.routes.append(mcp_route())
    return app


async def _open(
    config: OrchestrationGatewayConfig, app: MaestroAPI, stack: AsyncExitStack, files: Any, clock: Clock
) -> State:
    db = await stack.enter_async_context(Database.opened(config, metrics=app.metrics, service_name=config.service_name))
    await Migrations(migrations).upgrade(db)
    app.health.add("database", db.check)
    metrics = GatewayMetrics(app.metrics)
    orchestrator = await _orchestrator(config, app, stack)
    jq = await stack.enter_async_context(
        JqPool.opened(
            JqLimits(
                time=timedelta(seconds=config.jq_time_limit_s),
                memory_bytes=config.jq_memory_bytes,
                processes=config.jq_processes,
            )
        )
    )
    quotas = Quotas(app, db, config.quota, config.tenant_quotas, clock=clock)
    deliveries = DeliveryStore(db)
    options = DispatchOptions(
        give_up_after=timedelta(seconds=config.give_up_after_s),
        keep_settled=timedelta(seconds=config.keep_deliveries_s),
        keep_dead=timedelta(seconds=config.keep_dead_deliveries_s),
    )
    # Without a server for events nobody else would hear or tell them.
    outbox = None if config.messaging_url is None else Outbox(db)
    announce = None if outbox is None else Announcements(outbox)
    dispatcher = Dispatcher(deliveries, orchestrator, options, clock=clock, settled=metrics.settled, announce=announce)
    schedules = Schedules(db, orchestrator, clock=clock)
    seal = Seal(config.seal_secrets)
    triggers = Triggers(db, TriggerStore(db, seal), seal, jq, schedules, files=files, clock=clock)
    for trigger in files.values():
        await triggers.check(trigger.name, trigger.declaration, origin=Origin.FILE)
    await triggers.note_files()
    intake = Intake(deliveries, dispatcher, jq, quotas, clock=clock)
    hub = RunHub(orchestrator, keep=config.stream_buffer)
    changes = RunChanges(
        db,
        orchestrator,
        interval=timedelta(seconds=config.feed_interval_s),
        keep=timedelta(seconds=config.keep_feed_s),
        memory=config.stream_buffer,
        clock=clock,
    )
    events = EventIntake(triggers, intake)
    if outbox is not None:
        platform_events = PlatformEvents(config, app.metrics, outbox, events)
        app.health.add("events", platform_events.check)
        await stack.enter_async_context(platform_events.at_work())
    for part in (quotas, dispatcher, schedules, hub, changes):
        await stack.enter_async_context(part.at_work())
    state: dict[str, Any] = {
        "config": config,
        "clock": clock,
        "orchestrator": orchestrator,
        "triggers": triggers,
        "schedules": schedules,
        "intake": intake,
        "events": events,
        "deliveries": deliveries,
        "quotas": quotas,
        "hub": hub,
        "changes": changes,
        "tickets": Tickets(config.jwt_secret, timedelta(seconds=config.ticket_lifetime_s)),
        "screens": await _screens(config, app, stack),
    }
    state["stopping"] = app.draining
    state["mcp"] = await stack.enter_async_context(ToolsOnDemand(ToolCalls(state), VERSION).at_work())
    return cast("State", state)


async def _orchestrator(config: OrchestrationGatewayConfig, app: MaestroAPI, stack: AsyncExitStack) -> Orchestrator:
    # Deliveries outlive the request that brought them, and have their own way of trying again.
    patient = ClientConfig(deadline="own", total_timeout=_ATTEMPT * 1.5, circuit=None)
    client = APIClient.for_service(
        config, base_url=config.orchestrator_url, timeout=_ATTEMPT, config=patient, metrics=app.metrics
    )
    many = ClientConfig(
        deadline="own", circuit=None, max_connections=_MOST_STREAMS, retry=RetryConfig(budget_floor=1_000)
    )
    streams = APIClient.for_service(config, base_url=config.orchestrator_url, timeout=_ATTEMPT, config=many, retries=0)
    return Orchestrator(await stack.enter_async_context(client), await stack.enter_async_context(streams))


async def _screens(config: OrchestrationGatewayConfig, app: MaestroAPI, stack: AsyncExitStack) -> Screens:
    # A screen shows what its caller may see, so that it is the caller who asks.
    as_caller = ClientConfig(identity="caller")
    timeout = timedelta(seconds=config.screen_timeout_s)

    async def opened(url: str) -> APIClient:
        client = APIClient.for_service(
            config, base_url=url, timeout=timeout, retries=0, config=as_caller, metrics=app.metrics
        )
        return await stack.enter_async_context(client)

    return Screens(
        orchestrator=await opened(config.orchestrator_url),
        registry=None if config.registry_url is None else await opened(config.registry_url),
        governance=await opened(config.governance_url),
        patience=timeout,
        keep=timedelta(seconds=config.screen_cache_s),
    )
