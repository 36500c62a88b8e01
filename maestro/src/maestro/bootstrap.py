"""The only place where the parts are put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from maestro.api import ROUTERS
from maestro.api.state import State
from maestro.config import OrchestratorConfig
from maestro.domain.definitions import Definitions, load_definitions
from maestro.domain.errors import OrchestratorError, StorageError
from maestro.domain.holds import Holds
from maestro.domain.many_runs import ManyRuns
from maestro.domain.personas import Personas
from maestro.domain.queues import Queues
from maestro.domain.removal import Removal
from maestro.domain.runs import Runs
from maestro.domain.schedules import Schedules
from maestro.http_caller import ServiceHttpCaller
from maestro.journal_health import JournalHealth
from maestro.persona_files import load_personas
from maestro.run_metrics import RunMetrics
from maestro.storage import SqliteDefinitionStore
from maestro.workflow_modules import PythonDefinitions, load_modules
from maestro_core_api import APIConfig, MaestroAPI
from maestro_workflow_engine import WorkflowEngine, WorkflowError
from maestro_workflow_engine.dsl import Steps

TITLE = "MAESTRO Orchestrator API"
VERSION = "1.0.0"


def create_app(config: OrchestratorConfig) -> MaestroAPI:
    """Build the service.

    Personas and Python workflows are read here, so that a fault in them stops the start before anything is served.

    Args:
        config: Its configuration.

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
                raise
            yield state

    api_config = APIConfig.from_config(
        config,
        title=TITLE,
        version=VERSION,
        enable_metrics=config.enable_monitoring,
        max_body_bytes=config.max_request_bytes,
    )
    app = MaestroAPI(api_config, lifespan=lifespan)
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
    steps = Steps(python.steps, http=http, workflows=python.workflows)
    store = await stack.enter_async_context(SqliteDefinitionStore.opened(config.storage_dir / "definitions.db"))
    # The engine takes up unfinished runs while it opens, so that it has to know every definition by then.
    loaded = await load_definitions(store, python.workflows, steps)
    engine = await stack.enter_async_context(
        WorkflowEngine(
            config.journal_url,
            workflows=loaded.workflows,
            max_concurrent_workflows=config.max_concurrent_workflows,
            queues=[queue.value(name) for name, queue in config.queues.items()],
            retention=config.retention.value(),
            payload_store=config.payload_store,
        )
    )
    if config.enable_monitoring:
        await stack.enter_async_context(RunMetrics(app.metrics, engine).kept())
    app.health.add("journal", JournalHealth(engine, _journal_folder(config.journal_url)).check)
    definitions = Definitions(loaded, store=store, engine=engine, steps=steps)
    return State(
        definitions=definitions,
        runs=Runs(engine, loaded.catalog),
        many_runs=ManyRuns(engine, loaded.catalog),
        removal=Removal(engine, loaded.catalog),
        holds=Holds(engine, loaded.catalog),
        schedules=Schedules(engine, loaded.catalog),
        queues=Queues(engine),
        personas=personas,
    )


def _journal_folder(url: str) -> Path | None:
    path = unquote(urlsplit(url).path.removeprefix("/"))
    return Path(path).absolute().parent if path else None
