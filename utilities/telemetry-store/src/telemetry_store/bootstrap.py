"""The only place where the parts are put together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from maestro_core_api import APIClient, APIConfig, MaestroAPI, configure_service_logging, running_task
from maestro_core_config import ConfigManager
from maestro_core_logging import get_logger
from telemetry_store.api import router
from telemetry_store.config import TelemetryStoreConfig
from telemetry_store.errors import StorageError
from telemetry_store.ingest import Ingest
from telemetry_store.ingest import router as ingest_router
from telemetry_store.reporting import Reporting
from telemetry_store.storage import TelemetryFile, forget_uncounted, sweep

_TITLE = "Telemetry Store API"
_VERSION = "1.0.0"
_CALLER_S = 600.0
"""How long the span of whoever called is waited for."""
_logger = get_logger(__name__)


class State(TypedDict):
    """What requests find in `request.state`."""

    file: TelemetryFile
    ingest: Ingest
    config: TelemetryStoreConfig
    clock: Callable[[], datetime]


def create_app(
    config: TelemetryStoreConfig | None = None, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> MaestroAPI:
    """Build the service.

    Args:
        config: Its configuration; None loads it.
        clock: Gives the present.

    Returns:
        The application; what it needs is opened by its lifespan.

    Raises:
        ConfigError: The configuration is not valid.
    """
    manager = None
    if config is None:
        manager = ConfigManager(TelemetryStoreConfig)
        config = manager.load()
        # What it does itself is not sent to itself: each request would make the next one.
        configure_service_logging(config.model_copy(update={"otlp_endpoint": None}), version=_VERSION)
    settings = config

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            try:
                file = await stack.enter_async_context(TelemetryFile.opened(settings.database_file))
            except StorageError as error:
                app.logger.critical("The telemetry store cannot start", reason=str(error), code=error.code)
                raise
            sweeping = _keep_swept(file, settings, clock)
            await stack.enter_async_context(running_task(sweeping, name="telemetry-sweep"))
            if settings.registry_url is not None:
                registry = await stack.enter_async_context(
                    APIClient.for_service(settings, base_url=str(settings.registry_url))
                )
                reporting = Reporting(file, registry, app.metrics)
                await stack.enter_async_context(reporting.at_work(settings.observations_interval_s))
            ingest = Ingest(file, settings.otlp_token, settings.max_request_bytes)
            yield State(file=file, ingest=ingest, config=settings, clock=clock)

    api_config = APIConfig.from_config(
        settings, title=_TITLE, version=_VERSION, otlp_endpoint=None, max_body_bytes=settings.max_request_bytes
    )
    app = MaestroAPI(api_config, lifespan=lifespan, settings=manager)
    app.include_router(ingest_router)
    app.include_router(router)
    return app


async def _keep_swept(file: TelemetryFile, config: TelemetryStoreConfig, clock: Callable[[], datetime]) -> None:
    patience = timedelta(seconds=max(_CALLER_S, 2 * config.observations_interval_s))
    while True:
        before_ns = int((clock() - timedelta(seconds=config.keep_s)).timestamp() * 1e9)
        try:
            gone = await file.write(
                lambda connection: sweep(connection, before_ns=before_ns, max_bytes=config.max_bytes)  # noqa: B023 - awaited here
            )
            lost_s = (clock() - patience).timestamp()
            await file.write(lambda connection: forget_uncounted(connection, lost_s))  # noqa: B023 - awaited here
        except StorageError as error:
            _logger.warning("Old telemetry could not be taken out", reason=error.reason)
        else:
            if gone:
                _logger.info("Old telemetry was taken out", rows=gone)
        await asyncio.sleep(config.sweep_interval_s)
