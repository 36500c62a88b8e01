"""The same two endpoints three times: bare, with the usual instrumentation, and on MaestroAPI.

Each builder imports what it needs itself, because the peers live in an environment of their own.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

SECRET = "a-secret-for-benchmarks-of-at-least-32-bytes"
# Signed once with SECRET (HS256): sub, iss, roles, and an exp in the year 2100.
CLAIMS = {
    "sub": "bench",
    "iss": "maestro",
    "iat": 1_700_000_000,
    "exp": 4_102_444_800,
    "roles": ["viewer"],
    "scope": "",
}


def bare() -> Any:
    """FastAPI and nothing else."""
    from fastapi import FastAPI

    return _with_routes(FastAPI())


def instrumented() -> Any:
    """FastAPI as its users instrument it: an OpenTelemetry and a Prometheus instrumentation, structlog, PyJWT."""
    import jwt
    import orjson
    import structlog
    from fastapi import FastAPI
    from opentelemetry import trace
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from prometheus_fastapi_instrumentator import Instrumentator
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.responses import JSONResponse

    structlog.configure(
        cache_logger_on_first_use=True,
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
    )
    log = structlog.get_logger()
    trace.set_tracer_provider(TracerProvider())

    async def access_log(request: Any, call_next: Any) -> Any:
        structlog.contextvars.clear_contextvars()
        request_id = request.headers.get("x-request-id") or uuid.uuid4().hex
        context = trace.get_current_span().get_span_context()
        structlog.contextvars.bind_contextvars(request_id=request_id, trace_id=f"{context.trace_id:032x}")
        begun = time.perf_counter()
        response = await call_next(request)
        response.headers["x-request-id"] = request_id
        for name, value in _SECURITY_HEADERS.items():
            response.headers[name] = value
        took_ms = round((time.perf_counter() - begun) * 1000, 3)
        path, method = request.url.path, request.method
        log.info("Request answered", method=method, path=path, status=response.status_code, duration_ms=took_ms)
        return response

    async def authenticate(request: Any, call_next: Any) -> Any:
        if request.url.path != "/metrics":
            try:
                token = request.headers["authorization"].removeprefix("Bearer ")
                request.state.claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="maestro")
            except (KeyError, jwt.PyJWTError):
                return JSONResponse({"detail": "not authenticated"}, 401)
        return await call_next(request)

    app = _with_routes(FastAPI())
    app.add_middleware(BaseHTTPMiddleware, dispatch=authenticate)
    app.add_middleware(BaseHTTPMiddleware, dispatch=access_log)
    Instrumentator().instrument(app).expose(app)
    FastAPIInstrumentor.instrument_app(app)
    return app


def maestro() -> Any:
    """MaestroAPI with everything that is on by itself, and its log as JSON on stdout."""
    from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig
    from maestro_core_logging import configure_logging

    configure_logging("orders", "json", stream=sys.stdout)
    security = SecurityConfig(jwt_secret_key=SECRET)
    return _with_routes(MaestroAPI(APIConfig(title="Orders", service_name="orders", security=security)))


def maestro_exporting() -> Any:
    """The same, and every span is built and handed to a batch processor, whose exporter throws it away."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    from maestro_core_monitoring import configure_tracing

    class Discard(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    configure_tracing("orders").add_span_processor(BatchSpanProcessor(Discard()))
    return maestro()


BUILDERS: dict[str, Callable[[], Any]] = {
    "bare": bare,
    "instrumented": instrumented,
    "maestro": maestro,
    "maestro-exporting": maestro_exporting,
}

_SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def _with_routes(app: Any) -> Any:
    from pydantic import BaseModel

    class Order(BaseModel):
        name: str
        quantity: int

    class Receipt(BaseModel):
        name: str
        total: int

    @app.get("/items/{number}")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    async def order(order: Order) -> Receipt:
        return Receipt(name=order.name, total=order.quantity * 3)

    # The annotations above name local classes, which FastAPI cannot look up from their text.
    order.__annotations__ = {"order": Order, "return": Receipt}
    app.post("/orders")(order)
    return app
