"""Make the endpoints that the configuration names, or the bundled model."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path
from random import SystemRandom

from intelligence_service.config import IntelligenceServiceConfig, ModelEndpoint
from intelligence_service.domain.breaker import Breaker
from intelligence_service.domain.errors import ModelUnavailableError
from intelligence_service.domain.tokens import Price
from intelligence_service.local_model_file import LocalModelMissingError
from intelligence_service.local_model_process import LocalModel, LocalModelError
from intelligence_service.models.calls import ModelCalls
from intelligence_service.models.openai import Endpoint, OpenAIModel, base_url_of
from intelligence_service.models.options import EndpointOptions
from intelligence_service.models.routed import RoutedModel
from maestro_core_api import APIClient, ClientConfig
from maestro_core_logging import get_logger

LOCAL = "local model"
_SINGLE_HINT = "check model_endpoint and that its server runs, or unset it to use the bundled model"


async def open_models(config: IntelligenceServiceConfig, calls: ModelCalls, stack: AsyncExitStack) -> RoutedModel:
    """Open what answers.

    Args:
        config: The service's configuration.
        calls: Tells of every call.
        stack: Closes what was opened.

    Returns:
        All endpoints as one model.
    """
    total = timedelta(seconds=config.model_total_timeout)
    # No token of the service's own: models are not services of the platform. Each endpoint has a circuit breaker and a
    # timeout here; the client must not add its own.
    client = await stack.enter_async_context(
        APIClient(timeout=total, retries=0, config=ClientConfig(circuit=None, connect_timeout=timedelta(seconds=10)))
    )
    if config.model_endpoints:
        endpoints = [_configured(client, each) for each in config.model_endpoints]
    elif config.model_endpoint is not None:
        endpoints = [_single(client, config, config.model_endpoint)]
    else:
        endpoints = [await _local(client, config, stack)]
    return RoutedModel(endpoints, total_timeout=total, draw=SystemRandom().random, calls=calls)


def dearest(config: IntelligenceServiceConfig) -> Price:
    """Find the price that a call may have at most.

    Args:
        config: The service's configuration.
    """
    return Price(
        max((endpoint.input_price for endpoint in config.model_endpoints), default=Price().input),
        max((endpoint.output_price for endpoint in config.model_endpoints), default=Price().output),
    )


def _configured(client: APIClient, each: ModelEndpoint) -> OpenAIModel:
    return _model(
        client,
        Endpoint(base_url_of(each.url), each.model, each.api_key),
        hint=f"check model_endpoints[{each.name}] and that its server runs",
        options=EndpointOptions(
            name=each.name,
            tier=each.tier,
            weight=each.weight,
            timeout=timedelta(seconds=each.timeout_s),
            concurrency=each.concurrency,
            price=Price(each.input_price, each.output_price),
        ),
    )


def _single(client: APIClient, config: IntelligenceServiceConfig, url: str) -> OpenAIModel:
    options = EndpointOptions(timeout=config.model_timeout_delta, concurrency=config.model_concurrency)
    endpoint = Endpoint(base_url_of(url), config.model_name, config.model_api_key)
    return _model(client, endpoint, hint=_SINGLE_HINT, options=options)


def _model(client: APIClient, endpoint: Endpoint, *, hint: str, options: EndpointOptions) -> OpenAIModel:
    async def configured() -> Endpoint:
        return endpoint

    return OpenAIModel(
        client,
        locate=configured,
        identity=f"{endpoint.base_url} {endpoint.model or ''}".strip(),
        hint=hint,
        breaker=Breaker(time.monotonic),
        options=options,
    )


async def _local(client: APIClient, config: IntelligenceServiceConfig, stack: AsyncExitStack) -> OpenAIModel:
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
        locate=_locating(local),
        identity=LOCAL,
        hint="see the service's log, or set model_endpoint to an OpenAI-compatible server",
        breaker=Breaker(time.monotonic),
        options=EndpointOptions(name="local", timeout=config.model_timeout_delta, concurrency=1),
    )


def _locating(local: LocalModel) -> Callable[[], Awaitable[Endpoint]]:
    async def locate() -> Endpoint:
        try:
            served = await local.running()
        except (LocalModelMissingError, LocalModelError) as error:
            raise ModelUnavailableError(
                LOCAL, str(error), hint="or set model_endpoint to an OpenAI-compatible server"
            ) from error
        return Endpoint(served.base_url, served.name, served.api_key)

    return locate


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
