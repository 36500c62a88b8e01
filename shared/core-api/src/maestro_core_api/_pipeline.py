"""The one layer around every request: id, trace, metrics, access log, security headers, last resort for errors."""

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from maestro_core_logging import log_context
from maestro_core_monitoring import MetricsCollector

from ._exceptions import APIException
from ._exchange import Exchange
from ._in_flight import InFlight
from ._problem import problem_response
from ._request_id import new_request_id
from ._request_info import attach_request_info, current_request
from ._routes import route_template

if TYPE_CHECKING:
    from maestro_core_logging import Logger

_SANE_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_CLIENT_CLOSED_REQUEST: Final = 499
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NO_CONTEXT: Final = Context()


class RequestPipeline:
    """Outermost ASGI layer of a service.

    It is one layer and not six, because each layer costs every request a coroutine and a wrapped `send`.

    Args:
        app: The next layer.
        metrics: Counts requests; None counts nothing.
        logger: Writes the access log.
        in_flight: Learns of every running request.
        quiet_paths: Paths that are asked all the time: logged at debug level and not traced.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: MetricsCollector | None,
        logger: "Logger",
        in_flight: InFlight,
        quiet_paths: frozenset[str],
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._logger = logger
        self._in_flight = in_flight
        self._quiet_paths = quiet_paths
        self._provider = trace.get_tracer_provider()
        self._tracer = trace.get_tracer("maestro_core_api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        head = dict(scope["headers"])
        given = head.get(b"x-request-id")
        request_id = given.decode("ascii") if given and _SANE_REQUEST_ID.fullmatch(given) else new_request_id()
        exchange = Exchange(scope, receive, send, request_id, head)
        attach_request_info(scope, exchange)
        token = current_request.set(exchange)
        task = self._in_flight.enter(exchange)
        try:
            with log_context(request_id=request_id):
                if scope["path"] in self._quiet_paths:
                    await self._answer(exchange)
                    return
                # Without a caller's context a new trace begins, whatever context the server's task inherited.
                span = exchange.span = self._tracer.start_span(
                    scope.get("method", "WEBSOCKET"),
                    context=_callers_context(head) if b"traceparent" in head else _NO_CONTEXT,
                    kind=SpanKind.SERVER,
                    attributes=_span_attributes(scope) if getattr(self._provider, "has_receivers", True) else None,
                    record_exception=False,
                    set_status_on_exception=False,
                )
                surroundings = attach(trace.set_span_in_context(span))
                try:
                    await self._answer(exchange)
                finally:
                    detach(surroundings)
                    span.end()
        finally:
            self._in_flight.leave(task)
            current_request.reset(token)
            exchange.end()

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if exchange.told is None:
                exchange.status = exchange.status or _CLIENT_CLOSED_REQUEST
                raise
            assert exchange.task is not None
            exchange.task.uncancel()  # it was cancelled because its time was over, and that is all there is to it
        except Exception as error:  # noqa: BLE001 - nothing above this layer could answer
            await self._answer_failure(exchange, error)
        finally:
            exchange.is_over = True
            if exchange.told is not None:
                await exchange.told
            self._finish(exchange, time.perf_counter() - exchange.started_at)

    async def _answer_failure(self, exchange: Exchange, error: Exception) -> None:
        scope = exchange.scope
        self._logger.error("Unhandled exception", exc_info=error, route=route_template(scope))
        exchange.span.record_exception(error)
        if exchange.status is None and scope["type"] == "http":
            await problem_response(internal_error(), scope)(scope, exchange.receive, exchange.send)

    def _finish(self, exchange: Exchange, duration_s: float) -> None:
        scope = exchange.scope
        route = exchange.route or route_template(scope)
        method = scope.get("method", "WEBSOCKET")
        status = exchange.status or 500
        error_code = exchange.error_code
        if self._metrics is not None and scope["type"] == "http":
            self._metrics.observe_request(
                method=method, route=route, status=status, duration=duration_s, error_code=error_code
            )
        span = exchange.span
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", error_code or str(status))
        path = scope["path"]
        fields: dict[str, Any] = {
            "method": method,
            "path": path,
            "route": route,
            "status": status,
            "duration_ms": round(duration_s * 1000, 3),
        }
        if exchange.principal is not None:
            fields["principal"] = exchange.principal.subject
        if error_code is not None:
            fields["error_code"] = error_code
        log = self._logger.debug if path in self._quiet_paths else self._logger.info
        log("Request answered", **fields)


def internal_error() -> APIException:
    """Return the error that stands for an exception nobody expected; it says nothing about the inside.

    Returns:
        A 500 with the code INTERNAL_ERROR.
    """
    return APIException(detail="The failure was logged; its trace_id finds it.")


def _callers_context(head: dict[bytes, bytes]) -> Context:
    names = ("traceparent", "tracestate")
    carrier = {name: head[key].decode("latin-1") for name in names if (key := name.encode()) in head}
    return _PROPAGATOR.extract(carrier, _NO_CONTEXT)


def _span_attributes(scope: Scope) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "http.request.method": scope.get("method", "GET"),
        "url.scheme": scope.get("scheme", "http"),
        "url.path": scope["path"],
        "network.protocol.version": scope.get("http_version", "1.1"),
    }
    if server := scope.get("server"):
        attributes["server.address"] = server[0]
        if server[1] is not None:
            attributes["server.port"] = int(server[1])
    if client := scope.get("client"):
        attributes["client.address"] = client[0]
    return attributes
