"""The only place where the parts are put together."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import TypedDict

from fastapi import APIRouter, Depends

from intelligence_service import api
from intelligence_service.budgets import Budget, Meter, MeteredModel, SqlUsageStore, UsageStore, Window
from intelligence_service.budgets import api as budgets_api
from intelligence_service.cache import CachedAnswers, ExactCache, RecallOptions, SemanticCache
from intelligence_service.cache import api as cache_api
from intelligence_service.config import BudgetSettings, IntelligenceServiceConfig
from intelligence_service.domain.analyst import Analyst
from intelligence_service.domain.license_review import NAME as LICENSE_TEXTS
from intelligence_service.domain.license_review import LicenseReview
from intelligence_service.domain.licenses import LicenseRecognizer
from intelligence_service.domain.personas import PersonaSource
from intelligence_service.errors import in_http_terms
from intelligence_service.learning import E5Encoder, LearnedMemory, MemoryLimits, SqlExampleStore, Teacher
from intelligence_service.learning import api as learning_api
from intelligence_service.models import ModelCalls, RoutedModel
from intelligence_service.models import api as models_api
from intelligence_service.models.opening import dearest, open_models
from intelligence_service.persona_client import OrchestratorPersonas
from intelligence_service.spdx_corpus import SpdxMatcherCorpus
from maestro_core_api import (
    APIClient,
    APIConfig,
    MaestroAPI,
    RateLimit,
    StartupError,
    configure_service_logging,
    limit_rate,
)
from maestro_core_config import ConfigManager
from maestro_core_db import Database, DatabaseError, Migrations
from maestro_core_monitoring import Objectives

_TITLE = "Intelligence Service API"
_VERSION = "1.0.0"
_MIGRATIONS = "intelligence_service.migrations"
_STREAM = "/analyze/stream"


class State(TypedDict):
    """What requests find in `request.state`."""

    analyst: Analyst
    personas: PersonaSource
    answers: CachedAnswers
    teacher: Teacher
    meter: Meter
    usage: UsageStore
    routed: RoutedModel


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
            try:
                state = await _open(settings, app, calls, answers, stack)
            except DatabaseError as error:
                app.logger.critical("The service cannot start", reason=str(error), code=error.code)
                raise StartupError(str(error)) from error
            yield state

    api_config = APIConfig.from_config(
        settings, title=_TITLE, version=_VERSION, max_body_bytes=settings.max_request_bytes
    )
    app = MaestroAPI(api_config, lifespan=lifespan, settings=manager)
    app.metrics.objectives = Objectives(untimed=(_STREAM,))
    # Metrics are declared while the application is built, so that its dashboards can be written without running it.
    calls = ModelCalls(app.metrics)
    answers = _answers(settings, app)
    _include(app, settings)
    return app


def _include(app: MaestroAPI, config: IntelligenceServiceConfig) -> None:
    limited = APIRouter()
    if config.rate_limit_per_tenant is not None:
        limit = RateLimit(rule="per-tenant", limit=config.rate_limit_per_tenant, by=("tenant",))
        limited = APIRouter(dependencies=[Depends(limit_rate(limit))])
    limited.include_router(api.router)
    limited.include_router(learning_api.router)
    for router in (limited, cache_api.router, budgets_api.router, models_api.router):
        app.include_router(router, dependencies=[Depends(in_http_terms)])


def _answers(config: IntelligenceServiceConfig, app: MaestroAPI) -> CachedAnswers:
    ttl = timedelta(seconds=config.cache_ttl)
    semantic = None
    if config.semantic_cache and config.cache_ttl:
        semantic = SemanticCache(
            ttl, clock=time.monotonic, floor=config.semantic_threshold, budget=config.semantic_false_hits
        )
    return CachedAnswers(
        ExactCache(ttl, clock=time.monotonic),
        semantic,
        options=RecallOptions(shadow_ratio=config.semantic_shadow_ratio),
        draw=SystemRandom().random,
        metrics=app.metrics,
    )


async def _open(
    config: IntelligenceServiceConfig,
    app: MaestroAPI,
    calls: ModelCalls,
    answers: CachedAnswers,
    stack: AsyncExitStack,
) -> State:
    db = await stack.enter_async_context(Database.opened(config, metrics=app.metrics))
    await Migrations(_MIGRATIONS).upgrade(db)
    app.health.add("database", db.check)
    services = await stack.enter_async_context(APIClient.for_service(config, retries=1, metrics=app.metrics))
    personas = OrchestratorPersonas(services, ttl=timedelta(seconds=config.persona_ttl), clock=time.monotonic)
    routed = await open_models(config, calls, stack)
    usage = SqlUsageStore(db)
    meter = Meter(
        usage,
        budgets=[_budget(each) for each in config.budgets],
        price=dearest(config),
        now=lambda: datetime.now(UTC),
    )
    encoder = await stack.enter_async_context(
        E5Encoder(max_characters=config.encoder_max_characters, threads=config.encoder_threads)
    )
    store = SqlExampleStore(db)
    limits = MemoryLimits(examples=config.learning_memory_examples, precision=config.learning_precision)
    memory = LearnedMemory(store, encoder=encoder, limits=limits, clock=time.monotonic)
    await stack.enter_async_context(memory.at_work())
    await stack.enter_async_context(answers.at_work())
    teacher = Teacher(
        store,
        memory,
        personas=personas,
        encoder=encoder,
        enabled=config.enable_learning,
        most=config.learning_max_examples,
        most_personas=config.learning_max_personas,
        forget_answers=answers.invalidate,
    )
    analyst = Analyst(
        personas=personas,
        model_of=lambda tenant: MeteredModel(routed, meter, tenant),
        recall=answers,
        recognizers={LICENSE_TEXTS: LicenseReview(lambda: LicenseRecognizer(SpdxMatcherCorpus()))},
        encoder=encoder if config.enable_learning or answers.semantic is not None else None,
        memory=memory if config.enable_learning else None,
        attempts=config.model_attempts,
    )
    return State(
        analyst=analyst,
        personas=personas,
        answers=answers,
        teacher=teacher,
        meter=meter,
        usage=usage,
        routed=routed,
    )


def _budget(settings: BudgetSettings) -> Budget:
    cost = None if settings.cost is None else int(settings.cost * 1_000_000)
    return Budget(Window(settings.window), settings.tenant, settings.tokens, cost)
