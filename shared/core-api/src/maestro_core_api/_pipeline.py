"""The one layer around every request: id, trace, metrics, access log, security headers, last resort for errors."""

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maestro_core_logging import log_context
from maestro_core_monitoring import MetricsCollector

from ._exceptions import APIException
from ._in_flight import InFlight
from ._problem import problem_response
from ._request_id import new_request_id
from ._request_info import RequestInfo, attach_request_info, current_request
from ._routes import route_template

if TYPE_CHECKING:
    from maestro_core_logging import Logger

_SANE_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_CLIENT_CLOSED_REQUEST: Final = 499
_SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
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
        self._tracer = trace.get_tracer("maestro_core_api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id, carrier = _incoming(scope)
        info = RequestInfo(request_id, head=dict(scope["headers"]))
        attach_request_info(scope, info)
        token = current_request.set(info)
        task = self._in_flight.enter()
        try:
            with log_context(request_id=request_id):
                if scope["path"] in self._quiet_paths:
                    await self._answer(_Exchange(scope, send, info, trace.INVALID_SPAN), receive)
                    return
                # Without a caller's context a new trace begins, whatever context the server's task inherited.
                span = self._tracer.start_span(
                    scope.get("method", "WEBSOCKET"),
                    context=_PROPAGATOR.extract(carrier, _NO_CONTEXT) if carrier else _NO_CONTEXT,
                    kind=SpanKind.SERVER,
                    attributes=_span_attributes(scope),
                    record_exception=False,
                    set_status_on_exception=False,
                )
                surroundings = attach(trace.set_span_in_context(span))
                try:
                    await self._answer(_Exchange(scope, send, info, span), receive)
                finally:
                    detach(surroundings)
                    span.end()
        finally:
            info.is_over = True
            self._in_flight.leave(task)
            current_request.reset(token)

    async def _answer(self, exchange: "_Exchange", receive: Receive) -> None:
        started = time.perf_counter()
        exchange.on_stream = self._in_flight.mark_stream
        try:
            await self._app(exchange.scope, receive, exchange.send)
        except asyncio.CancelledError:
            exchange.status = exchange.status or _CLIENT_CLOSED_REQUEST
            raise
        except Exception as error:  # noqa: BLE001 - nothing above this layer could answer
            await self._answer_failure(exchange, receive, error)
        finally:
            self._finish(exchange, time.perf_counter() - started)

    async def _answer_failure(self, exchange: "_Exchange", receive: Receive, error: Exception) -> None:
        self._logger.error("Unhandled exception", exc_info=error, route=route_template(exchange.scope))
        exchange.span.record_exception(error)
        if exchange.status is None and exchange.scope["type"] == "http":
            await problem_response(internal_error(), exchange.scope)(exchange.scope, receive, exchange.send)

    def _finish(self, exchange: "_Exchange", duration_s: float) -> None:
        scope, info = exchange.scope, exchange.info
        route = route_template(scope)
        method = scope.get("method", "WEBSOCKET")
        status = exchange.status or 500
        if self._metrics is not None and scope["type"] == "http":
            self._metrics.observe_request(
                method=method, route=route, status=status, duration=duration_s, error_code=info.error_code
            )
        span = exchange.span
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", info.error_code or str(status))
        fields: dict[str, Any] = {
            "method": method,
            "path": scope["path"],
            "route": route,
            "status": status,
            "duration_ms": round(duration_s * 1000, 3),
        }
        if info.principal is not None:
            fields["principal"] = info.principal.subject
        if info.error_code is not None:
            fields["error_code"] = info.error_code
        log = self._logger.debug if scope["path"] in self._quiet_paths else self._logger.info
        log("Request answered", **fields)


class _Exchange:
    """One request and what is known of its answer."""

    __slots__ = ("_send", "_task", "info", "on_stream", "scope", "span", "status")

    def __init__(self, scope: Scope, send: Send, info: RequestInfo, span: trace.Span) -> None:
        self.scope = scope
        self.info = info
        self.span = span
        self.status: int | None = None
        self.on_stream: Any = None
        self._send = send
        self._task = asyncio.current_task()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._headers(message.get("headers", ()))
        elif self.status is None and message["type"] == "websocket.accept":
            self.status = 101
        elif self.status is None and message["type"] == "websocket.close":
            self.status = 403
        await self._send(message)

    def _headers(self, given: Any) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", self.info.request_id.encode("latin-1"))]
        names = set()
        for name, value in given:
            lowered = bytes(name).lower()
            names.add(lowered)
            if lowered == b"x-request-id":
                continue
            if lowered == b"content-type" and bytes(value).startswith(b"text/event-stream"):
                self.on_stream(self._task)
            headers.append((name, value))
        headers += [header for header in _SECURITY_HEADERS if header[0] not in names]
        return headers


def internal_error() -> APIException:
    """Return the error that stands for an exception nobody expected; it says nothing about the inside.

    Returns:
        A 500 with the code INTERNAL_ERROR.
    """
    return APIException(detail="The failure was logged; its trace_id finds it.")


def _incoming(scope: Scope) -> tuple[str, dict[str, str]]:
    request_id: str | None = None
    carrier: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_REQUEST_ID.fullmatch(value):
            request_id = bytes(value).decode("ascii")
        elif name in (b"traceparent", b"tracestate"):
            carrier[bytes(name).decode("ascii")] = bytes(value).decode("latin-1")
    return request_id or new_request_id(), carrier


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
