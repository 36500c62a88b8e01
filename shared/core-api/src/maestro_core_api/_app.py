"""`MaestroAPI`: FastAPI with everything that a service of the platform has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from maestro_core_config import ConfigManager, workers_dir
from maestro_core_logging import get_logger
from maestro_core_monitoring import HealthRegistry, MetricsCollector, OtlpExport, configure_tracing

from ._body_limit import BodyLimit
from ._catalog_entry import catalog_document
from ._config import APIConfig
from ._docs_page import add_docs_page, docs_paths
from ._errors import StartupError
from ._followed import followed
from ._handlers import add_handlers, answer_unexpected
from ._in_flight import InFlight
from ._key_store import KeyStore
from ._layers import lean_layers
from ._openapi import extend_openapi
from ._ops import ops_router
from ._pipeline import RequestPipeline
from ._running_task import running_task
from ._service_log import otlp_headers
from ._system_routes import SYSTEM_PATHS, add_system_routes
from ._time_limits import TimeLimits
from ._worker import Worker
from ._workers_dir import make_workers_dir

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
    `/metrics` are there, and `/ops` for admins; the service registers itself while it runs.

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
        settings: What the service's configuration was loaded by; `/ops/config` explains it, and a `log_level` that
            changes in its sources holds at once.
        **fastapi_options: Any further argument of `fastapi.FastAPI`.

    Attributes:
        config: Options of the service.
        metrics: The service's metrics; add your own to it.
        health: The service's health checks; add your own to it.
        authenticator: Recognises callers; tokens are revoked there.
        protection: What stands between the service and its callers; this package's dependencies find it here.
        logger: Logger of the service.
        in_flight: The requests that are being answered.
        draining: Set once the service is about to stop; what holds an answer back waits for it too.
        bound_url: Address that the service listens on; None until `run()` bound one.
        worker: Which worker this process is; None where one process serves.
        asyncapi: Gives the document of the service's events, for the catalog; None while it has none.
    """

    def __init__(
        self,
        config: APIConfig,
        *,
        lifespan: Lifespan | None = None,
        key_store: KeyStore | None = None,
        settings: ConfigManager[Any] | None = None,
        **fastapi_options: Any,
    ) -> None:
        self.config = config
        self.settings = settings
        self.workers_dir = make_workers_dir(config.workers) or workers_dir()
        self.metrics = MetricsCollector(config.service_name, version=config.version, workers_dir=self.workers_dir)
        self.health = HealthRegistry(self.metrics)
        self.logger: Logger = get_logger(config.service_name)
        self.in_flight = InFlight()
        self.bound_url: str | None = None
        self.worker: Worker | None = None
        self.asyncapi: Callable[[], dict[str, Any]] | None = None
        self.started = asyncio.Event()
        self.draining = asyncio.Event()
        # It brings a library of cryptography along, which is left to those that build a service.
        from ._protection import Protection  # noqa: PLC0415

        self._user_lifespan = lifespan
        self._lean = "telemetry" not in fastapi_options
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
            "redoc_url": None,
            **fastapi_options,
        }
        # FastAPI's own page loads its parts from elsewhere.
        docs_url = options.pop("docs_url", "/docs")
        super().__init__(lifespan=_framework_lifespan, docs_url=None, **options)
        self.docs_url = docs_url if self.openapi_url else None
        if self.docs_url is not None:
            add_docs_page(self, self.docs_url)
        add_handlers(self)
        metrics = self.metrics if config.enable_metrics else None
        add_system_routes(self, health=self.health, metrics=metrics, draining=self.draining)
        if config.enable_ops:
            self.include_router(ops_router(self))
        # The end of the list is innermost: middleware that a service adds, CORS for one, answers before the guard.
        self.user_middleware += [
            *self.protection.before_bodies(self.routes, self._open_paths()),
            Middleware(BodyLimit, max_bytes=config.max_body_bytes),
            *self.protection.before_endpoints(self.routes),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as FastAPI does; where its own telemetry is off, it is not asked either."""
        if not self._lean or scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        if self.root_path:
            scope["root_path"] = self.root_path
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Put the request pipeline around FastAPI's own layers.

        Returns:
            The outermost layer.
        """
        layers = lean_layers(self, answer_unexpected) if self._lean else None
        return RequestPipeline(
            layers or super().build_middleware_stack(),
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

    @property
    def is_draining(self) -> bool:
        """Whether the service is about to stop."""
        return self.draining.is_set()

    def begin_drain(self) -> None:
        """Say that the service is about to stop: readiness fails, the registry lets go of it, connections are closed one by one."""
        self.draining.set()
        self.in_flight.drain_connections()

    def run(self, host: str | None = None, port: int | None = None, *, workers: int | None = None) -> None:
        """Serve until SIGTERM or SIGINT, then stop gracefully. Blocks.

        With several workers this process starts, watches and replaces them, and serves nothing itself; SIGHUP replaces one
        after another. They are forks, so that what the application opens belongs into its lifespan.

        Exit status (sysexits.h): 0 after a graceful stop, 69 when the port is taken or the host is unknown, 77 when
        the port is not permitted, 78 when certificate or key cannot be used, 70 when the service's start-up failed.

        Args:
            host: Replaces the configured host.
            port: Replaces the configured port; 0 takes a free one.
            workers: Replaces the configured number of workers.

        Raises:
            SystemExit: The service did not start, or stopped for an error.
            ValueError: There are to be no workers at all.
        """
        if workers is not None and workers < 1:
            raise ValueError(f"a service needs at least one worker, not {workers}")
        from ._server import run_service  # noqa: PLC0415 - a server is loaded by those that serve

        config = self.config
        count = config.workers if workers is None else workers
        if count > 1 and config.workers == 1 and config.enable_metrics:
            self.logger.warning("Each worker shows metrics of its own: set workers in APIConfig to have them in one")
        run_service(self, host or config.host, config.port if port is None else port, count)

    def _open_paths(self) -> frozenset[str]:
        if self.config.environment != "development":
            return SYSTEM_PATHS
        pages = frozenset() if self.docs_url is None else docs_paths(self.docs_url)
        return SYSTEM_PATHS | pages | {path for path in (self.openapi_url, self.redoc_url) if path}

    def _catalog_document(self) -> dict[str, Any]:
        config = self.config
        openapi = self.openapi if self.openapi_url else None
        return catalog_document(
            config.catalog,
            version=config.version,
            description=config.description,
            openapi=openapi,
            asyncapi=self.asyncapi,
        )

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[Any]:
        config = self.config
        async with AsyncExitStack() as stack:
            export = None
            if config.otlp_endpoint is not None:
                export = OtlpExport(config.otlp_endpoint, headers=otlp_headers(config.otlp_token))
            tracing = configure_tracing(
                config.service_name, version=config.version, environment=config.environment, otlp=export
            )
            # In a thread and for two seconds at most: a receiver that is away must not hold up the stop.
            stack.push_async_callback(asyncio.to_thread, tracing.force_flush, 2_000)
            await stack.enter_async_context(self.metrics.runtime_watched())
            if self.settings is not None:
                await stack.enter_async_context(followed(self.settings))
            if not self.authenticator.configured:
                self.logger.warning(
                    "No jwt_secret is configured; every protected call will be refused",
                    service_name=config.service_name,
                )
            await stack.enter_async_context(self.protection.opened())
            self.draining.clear()
            self.in_flight.draining = False
            state = None
            if self._user_lifespan is not None:
                state = await stack.enter_async_context(self._user_lifespan(self))
            limits = TimeLimits(self.in_flight, config.limits, self.logger)
            await stack.enter_async_context(running_task(limits.watch(), name="time-limits"))
            stack.push_async_callback(self.in_flight.drain, config.shutdown_grace)
            if config.registry_url is not None:
                from ._gateway._declaring import declaration_of  # noqa: PLC0415 - of use to those only that register
                from ._registration import Registration  # noqa: PLC0415 - brings an HTTP client along

                try:
                    gateway = declaration_of(self)
                except ValueError as error:
                    raise StartupError(f"what it declares for the gateway contradicts itself: {error}") from error
                registration = Registration(
                    config, url=self.bound_url, worker=self.worker, catalog=self._catalog_document, gateway=gateway
                )
                await stack.enter_async_context(registration.kept(until=self.draining))
            self.started.set()
            if self.worker is not None:
                self.worker.say_ready()
            stack.callback(self.started.clear)
            yield state


@asynccontextmanager
async def _framework_lifespan(app: FastAPI) -> AsyncIterator[Any]:
    assert isinstance(app, MaestroAPI)
    async with app._running() as state:  # noqa: SLF001 - the two are one, split because FastAPI wants a function
        yield state
