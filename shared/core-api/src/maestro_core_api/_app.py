"""`MaestroAPI`: FastAPI with everything that a service of the platform has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from maestro_core_config import workers_dir
from maestro_core_logging import get_logger
from maestro_core_monitoring import HealthRegistry, MetricsCollector, configure_tracing

from ._body_limit import BodyLimit
from ._config import APIConfig
from ._handlers import add_handlers
from ._in_flight import InFlight
from ._key_store import KeyStore
from ._openapi import extend_openapi
from ._pipeline import RequestPipeline
from ._protection import Protection
from ._registration import Registration
from ._server import run_service
from ._system_routes import SYSTEM_PATHS, add_system_routes

if TYPE_CHECKING:
    from maestro_core_logging import Logger

Lifespan = Callable[["MaestroAPI"], AbstractAsyncContextManager[Any]]
"""A function of the application that returns an async context manager, held open while the service runs."""

# FastAPI has telemetry of its own, which would trace and measure every request a second time.
_NO_SECOND_TELEMETRY: Final = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class MaestroAPI(FastAPI):
    """A service's HTTP side.

    On top of FastAPI: every endpoint wants a token unless marked `public`; every error is an RFC 9457 problem
    document; each request has an id, a trace, metrics and an access log line; `/health/live`, `/health/ready` and
    `/metrics` are there; the service registers itself while it runs.

    Example:
        app = MaestroAPI(APIConfig(title="Echo", service_name="echo"))

        @app.post("/echo")
        async def echo(data: dict[str, str]) -> dict[str, str]:
            return data

        if __name__ == "__main__":
            app.run()

    Args:
        config: Options of the service.
        lifespan: Opens what the service needs and closes it again; composed with the framework's own.
        key_store: Where API keys are kept; None accepts none.
        **fastapi_options: Any further argument of `fastapi.FastAPI`.

    Attributes:
        config: Options of the service.
        metrics: The service's metrics; add your own to it.
        health: The service's health checks; add your own to it.
        authenticator: Recognises callers; tokens are revoked there.
        protection: What stands between the service and its callers; this package's dependencies find it here.
        logger: Logger of the service.
        in_flight: The requests that are being answered.
        bound_url: Address that the service listens on; None until `run()` bound one.
    """

    def __init__(
        self,
        config: APIConfig,
        *,
        lifespan: Lifespan | None = None,
        key_store: KeyStore | None = None,
        **fastapi_options: Any,
    ) -> None:
        self.config = config
        self.metrics = MetricsCollector(config.service_name, version=config.version, workers_dir=workers_dir())
        self.health = HealthRegistry(self.metrics)
        self.logger: Logger = get_logger(config.service_name)
        self.in_flight = InFlight()
        self.bound_url: str | None = None
        self.started = asyncio.Event()
        self._user_lifespan = lifespan
        self.protection = Protection(config, metrics=self.metrics, key_store=key_store)
        self.authenticator = self.protection.authenticator
        configure_tracing(
            config.service_name,
            version=config.version,
            environment=config.environment,
            sample_ratio=config.trace_sample_ratio,
        )
        options: dict[str, Any] = {
            "title": config.title,
            "version": config.version,
            "description": config.description,
            "telemetry": _NO_SECOND_TELEMETRY,
            **fastapi_options,
        }
        super().__init__(lifespan=_framework_lifespan, **options)
        add_handlers(self)
        add_system_routes(self, health=self.health, metrics=self.metrics if config.enable_metrics else None)
        # The end of the list is innermost: middleware that a service adds, CORS for one, answers before the guard.
        self.user_middleware += [
            *self.protection.before_bodies(self.routes, self._open_paths()),
            Middleware(BodyLimit, max_bytes=config.max_body_bytes),
            *self.protection.before_endpoints(self.routes),
        ]

    def build_middleware_stack(self) -> ASGIApp:
        """Put the request pipeline around FastAPI's own layers.

        Returns:
            The outermost layer.
        """
        return RequestPipeline(
            super().build_middleware_stack(),
            metrics=self.metrics if self.config.enable_metrics else None,
            logger=self.logger,
            in_flight=self.in_flight,
            quiet_paths=SYSTEM_PATHS,
        )

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, with the bearer scheme and the problem schema.

        Returns:
            The document; the same object until routes change.
        """
        previous = self.openapi_schema
        schema = super().openapi()
        if schema is not previous:
            extend_openapi(schema, self.routes)
            self.protection.describe(schema, self.routes)
        return schema

    def run(self, host: str | None = None, port: int | None = None) -> None:
        """Serve until SIGTERM or SIGINT, then stop gracefully. Blocks.

        Exit status (sysexits.h): 0 after a graceful stop, 69 when the port is taken or the host is unknown, 77 when
        the port is not permitted, 70 when the service's start-up failed.

        Args:
            host: Replaces the configured host.
            port: Replaces the configured port; 0 takes a free one.

        Raises:
            SystemExit: The service did not start, or stopped for an error.
        """
        run_service(self, host or self.config.host, self.config.port if port is None else port)

    def _open_paths(self) -> frozenset[str]:
        if self.config.environment != "development":
            return SYSTEM_PATHS
        documents = (self.openapi_url, self.docs_url, self.redoc_url, self.swagger_ui_oauth2_redirect_url)
        return SYSTEM_PATHS | {path for path in documents if path}

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[Any]:
        config = self.config
        async with AsyncExitStack() as stack:
            tracing = configure_tracing(config.service_name, version=config.version, otlp_endpoint=config.otlp_endpoint)
            # In a thread and for two seconds at most: a receiver that is away must not hold up the stop.
            stack.push_async_callback(asyncio.to_thread, tracing.force_flush, 2_000)
            await stack.enter_async_context(self.metrics.runtime_watched())
            if not self.authenticator.configured:
                self.logger.warning(
                    "No jwt_secret is configured; every protected call will be refused",
                    service_name=config.service_name,
                )
            await stack.enter_async_context(self.protection.opened())
            state = None
            if self._user_lifespan is not None:
                state = await stack.enter_async_context(self._user_lifespan(self))
            stack.push_async_callback(self.in_flight.drain, config.shutdown_grace)
            if config.registry_url is not None:
                await stack.enter_async_context(Registration(config, url=self.bound_url).kept())
            self.started.set()
            stack.callback(self.started.clear)
            yield state


@asynccontextmanager
async def _framework_lifespan(app: FastAPI) -> AsyncIterator[Any]:
    assert isinstance(app, MaestroAPI)
    async with app._running() as state:  # noqa: SLF001 - the two are one, split because FastAPI wants a function
        yield state
