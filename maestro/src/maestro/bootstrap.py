"""The only place where the parts are put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from maestro.api import ROUTERS
from maestro.api.state import State
from maestro.cluster_health import ClusterHealth
from maestro.config import OrchestratorConfig
from maestro.domain.catalog import Catalog
from maestro.domain.definitions import Definitions, load_definitions
from maestro.domain.errors import OrchestratorError, StorageError
from maestro.domain.events import Events
from maestro.domain.holds import Holds
from maestro.domain.many_runs import ManyRuns
from maestro.domain.personas import Personas
from maestro.domain.queues import Queues
from maestro.domain.removal import Removal
from maestro.domain.runs import Runs
from maestro.domain.schedules import Schedules
from maestro.engine_opening import opened
from maestro.event_sinks import PlatformSink, SinksInTurn, declare_sink_metrics
from maestro.http_caller import ServiceHttpCaller
from maestro.journal_health import JournalHealth
from maestro.persona_files import load_personas
from maestro.platform_events import PlatformEvents
from maestro.refused_events import RefusedEvents
from maestro.run_metrics import RunMetrics, TakesCensus, cluster_census, declare_run_metrics, journal_census
from maestro.storage import SqliteDefinitionStore
from maestro.workflow_modules import PythonDefinitions, load_modules
from maestro_core_api import APIConfig, MaestroAPI, StartupError
from maestro_core_config import ConfigManager
from maestro_core_monitoring import Objectives
from maestro_workflow_engine import EventSink, HttpEventSink, WorkflowEngine, WorkflowError
from maestro_workflow_engine.dsl import Steps

TITLE = "MAESTRO Orchestrator API"
VERSION = "1.0.0"
_STREAM_OF_A_RUN = "/runs/{run_id}/events"


def create_app(config: OrchestratorConfig, *, settings: ConfigManager[OrchestratorConfig] | None = None) -> MaestroAPI:
    """Build the service.

    Personas and Python workflows are read here, so that a fault in them stops the start before anything is served.

    Args:
        config: Its configuration.
        settings: What loaded the configuration, for `/ops/config`.

    Returns:
        The application; what it needs to run is opened by its lifespan.

    Raises:
        SetupError: Persona files or workflow modules cannot be used; all faults are listed.
    """
    personas = load_personas(config.personas_folder)
    python = load_modules(config.workflow_modules)

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            try:
                state = await _open(config, app, stack, personas, python)
            except (OrchestratorError, WorkflowError) as error:
                app.logger.error("Orchestrator cannot start", reason=str(error), code=error.code)
                raise StartupError(str(error)) from error
            yield state

    api_config = APIConfig.from_config(
        config,
        title=TITLE,
        version=VERSION,
        enable_metrics=config.enable_monitoring,
        max_body_bytes=config.max_request_bytes,
    )
    app = MaestroAPI(api_config, lifespan=lifespan, settings=settings)
    app.metrics.objectives = Objectives(untimed=(_STREAM_OF_A_RUN,))
    if config.enable_monitoring:
        declare_run_metrics(app.metrics)
        if config.has_event_server:
            declare_sink_metrics(app.metrics)
    for router in ROUTERS:
        app.include_router(router)
    return app


async def _open(
    config: OrchestratorConfig, app: MaestroAPI, stack: AsyncExitStack, personas: Personas, python: PythonDefinitions
) -> State:
    try:
        config.storage_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(str(config.storage_dir), f"cannot be made: {error.strerror}") from error
    http = await stack.enter_async_context(
        ServiceHttpCaller.for_service(config, timeout=timedelta(seconds=config.default_timeout))
    )
    steps = Steps(python.steps, http=http, processes=config.processes.value(), workflows=python.workflows)
    store = await stack.enter_async_context(SqliteDefinitionStore.opened(config.storage_dir / "definitions.db"))
    # The engine takes up unfinished runs while it opens, so that it has to know every definition by then.
    loaded = await load_definitions(store, python.workflows, steps, lifecycle_events=config.lifecycle_events)
    platform = PlatformEvents(config, app.metrics) if config.has_event_server else None
    engine = WorkflowEngine(
        config.runs_url,
        workflows=loaded.workflows,
        max_concurrent_workflows=config.max_concurrent_workflows,
        queues=[queue.value(name) for name, queue in config.queues.items()],
        retention=config.retention.value(),
        payload_store=config.payload_store,
        event_sink=_event_sink(config, app, platform),
    )
    await stack.enter_async_context(opened(engine, patience=timedelta(seconds=config.engine_wait_s)))
    if config.enable_monitoring:
        app.metrics.watch_disk("runs", config.storage_dir)
        await stack.enter_async_context(RunMetrics(app.metrics, _census(config, engine, loaded.catalog)).kept())
    _watch_health(config, app, engine)
    definitions = Definitions(loaded, store=store, engine=engine, steps=steps, lifecycle_events=config.lifecycle_events)
    await definitions.begin()
    if platform is not None:  # last: what listens all the time does so by now
        await stack.enter_async_context(platform.at_work(engine))
    return State(
        definitions=definitions,
        runs=Runs(engine, loaded.catalog),
        many_runs=ManyRuns(engine, loaded.catalog),
        removal=Removal(engine, loaded.catalog),
        holds=Holds(engine, loaded.catalog),
        schedules=Schedules(engine, loaded.catalog),
        queues=Queues(engine),
        events=Events(engine),
        personas=personas,
    )


def _event_sink(config: OrchestratorConfig, app: MaestroAPI, platform: PlatformEvents | None) -> EventSink | None:
    sinks: list[EventSink] = []
    if platform is not None:
        refused = RefusedEvents(config.storage_dir / "refused-events.jsonl")
        sinks.append(PlatformSink(platform.connected, refused, app.metrics))
    if config.event_sink is not None:
        sinks.append(HttpEventSink(config.event_sink))
    return SinksInTurn(sinks) if len(sinks) > 1 else next(iter(sinks), None)


def _census(config: OrchestratorConfig, engine: WorkflowEngine, catalog: Catalog) -> TakesCensus:
    if config.on_cluster:
        return cluster_census(engine, lambda: {definition.engine_name for definition in catalog})
    return journal_census(engine)


def _watch_health(config: OrchestratorConfig, app: MaestroAPI, engine: WorkflowEngine) -> None:
    if config.on_cluster:
        app.health.add("cluster", ClusterHealth(engine).check)
    else:
        app.health.add("journal", JournalHealth(engine, _journal_folder(config.runs_url)).check)


def _journal_folder(url: str) -> Path | None:
    path = unquote(urlsplit(url).path.removeprefix("/"))
    return Path(path).absolute().parent if path else None
