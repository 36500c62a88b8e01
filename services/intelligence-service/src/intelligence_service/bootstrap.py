"""The only place where the parts are put together."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

from intelligence_service.api import router
from intelligence_service.config import IntelligenceServiceConfig
from intelligence_service.domain.analysis import Analyst
from intelligence_service.domain.breaker import Breaker
from intelligence_service.domain.errors import ModelUnavailableError
from intelligence_service.domain.license_review import NAME as LICENSE_TEXTS
from intelligence_service.domain.license_review import LicenseReview
from intelligence_service.domain.licenses import LicenseRecognizer
from intelligence_service.local_model_file import LocalModelMissingError
from intelligence_service.local_model_process import LocalModel, LocalModelError
from intelligence_service.model_client import Endpoint, OpenAIModel, base_url_of
from intelligence_service.persona_client import OrchestratorPersonas
from intelligence_service.spdx_corpus import SpdxMatcherCorpus
from intelligence_service.storage import MemoryCache
from maestro_core_api import APIClient, APIConfig, MaestroAPI, configure_service_logging
from maestro_core_config import ConfigManager
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector

_TITLE = "Intelligence Service API"
_VERSION = "1.0.0"
_LOCAL = "local model"


class State(TypedDict):
    """What requests find in `request.state`."""

    analyst: Analyst


def create_app(config: IntelligenceServiceConfig | None = None) -> MaestroAPI:
    """Build the service.

    Args:
        config: Its configuration; None loads it.

    Returns:
        The application; what it needs is opened by its lifespan.

    Raises:
        ConfigError: The configuration is not valid.
    """
    manager = None
    if config is None:
        manager = ConfigManager(IntelligenceServiceConfig)
        config = manager.load()
        configure_service_logging(config, version=_VERSION)
    settings = config

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            yield State(analyst=await _open(settings, app.metrics, stack))

    api_config = APIConfig.from_config(settings, title=_TITLE, version=_VERSION)
    app = MaestroAPI(api_config, lifespan=lifespan, settings=manager)
    app.include_router(router)
    return app


async def _open(config: IntelligenceServiceConfig, metrics: MetricsCollector, stack: AsyncExitStack) -> Analyst:
    services = await stack.enter_async_context(APIClient.for_service(config, retries=1, metrics=metrics))
    return Analyst(
        personas=OrchestratorPersonas(services, ttl=timedelta(seconds=config.persona_ttl), clock=time.monotonic),
        model=await _open_model(config, stack),
        cache=MemoryCache(timedelta(seconds=config.cache_ttl), clock=time.monotonic),
        recognizers={LICENSE_TEXTS: LicenseReview(lambda: LicenseRecognizer(SpdxMatcherCorpus()))},
    )


async def _open_model(config: IntelligenceServiceConfig, stack: AsyncExitStack) -> OpenAIModel:
    # No token of the service's own: the model is not one of the platform's services.
    client = await stack.enter_async_context(APIClient(timeout=timedelta(seconds=config.model_timeout), retries=0))
    breaker = Breaker(time.monotonic)
    if config.model_endpoint is not None:
        endpoint = Endpoint(base_url_of(config.model_endpoint), config.model_name, config.model_api_key)

        async def configured() -> Endpoint:
            return endpoint

        return OpenAIModel(
            client,
            locate=configured,
            identity=f"{endpoint.base_url} {endpoint.model or ''}".strip(),
            hint="check model_endpoint and that its server runs, or unset it to use the bundled model",
            breaker=breaker,
            concurrency=config.model_concurrency,
        )
    local = await stack.enter_async_context(
        LocalModel(
            log_file=Path(config.data_dir) / "intelligence-service" / "local-model.log",
            context_tokens=config.local_model_context,
            threads=config.local_model_threads,
        )
    )
    starting = asyncio.create_task(_start_early(local), name="local-model-start")
    stack.push_async_callback(_cancelled, starting)
    return OpenAIModel(
        client,
        locate=lambda: _locate(local),
        identity=_LOCAL,
        hint="see the service's log, or set model_endpoint to an OpenAI-compatible server",
        breaker=breaker,
        concurrency=1,
    )


async def _locate(local: LocalModel) -> Endpoint:
    try:
        served = await local.running()
    except (LocalModelMissingError, LocalModelError) as error:
        raise ModelUnavailableError(
            _LOCAL, str(error), hint="or set model_endpoint to an OpenAI-compatible server"
        ) from error
    return Endpoint(served.base_url, served.name, served.api_key)


async def _start_early(local: LocalModel) -> None:
    """Start the bundled model beside the service's own start, which does not wait for it.

    A failure is told in the log and, when the model is needed, to the caller: recognising works without a model.
    """
    try:
        await local.running()
    except (LocalModelMissingError, LocalModelError) as error:
        get_logger(__name__).warning("The local model is not available", reason=str(error), code=error.code)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
