import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from fastapi import APIRouter, Request, WebSocket
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client.parser import text_string_to_metric_families
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from maestro_core_api import MaestroAPI
from maestro_core_logging import get_logger
from maestro_core_logging.testing import capture_logs
from maestro_core_monitoring import current_trace_id

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


def metric(client: TestClient, name: str, **labels: str) -> float | None:
    """Read one sample from /metrics; None when there is none."""
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


@pytest.mark.parametrize("given", ["0123-abc", "8b1a9953c4611296a827abf8c47804d7", "web:7/x=1+2@host"])
def test_a_sane_request_id_is_kept(client: TestClient, given: str) -> None:
    """The caller's request id comes back."""
    assert client.get("/health/live", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", '{"a":1}', "é"])
def test_other_request_ids_are_replaced(client: TestClient, given: str) -> None:
    """An id that could spoil logs is replaced by a new one."""
    header = {b"x-request-id": given.encode("utf-8")}
    answer = client.get("/health/live", headers=header)
    assert len(answer.headers["x-request-id"]) == 32


def test_each_request_gets_its_own_id(client: TestClient) -> None:
    """Without a caller's id every answer has a new one, errors too."""
    ids = {client.get(path).headers["x-request-id"] for path in ("/health/live", "/health/live", "/nowhere")}
    assert len(ids) == 3


def test_a_forked_process_gives_other_ids() -> None:
    """Two workers that were forked from one process do not give out the same request ids."""
    script = """
import os
from maestro_core_api._request_id import new_request_id
new_request_id()
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.write(writing, new_request_id().encode())
    os._exit(0)
os.waitpid(child, 0)
assert os.read(reading, 100).decode() != new_request_id()
print("ok")
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr


def test_the_caller_s_trace_is_continued(app: MaestroAPI, client: TestClient, spans: InMemorySpanExporter) -> None:
    """The span of a request is a child of the caller's, named by method and route, with HTTP attributes."""

    @app.get("/orders/{number}")
    async def order(number: int) -> str | None:
        return current_trace_id()

    assert client.get("/orders/7", headers={"traceparent": TRACEPARENT}).json() == TRACE_ID
    (span,) = spans.get_finished_spans()
    assert span.name == "GET /orders/{number}"
    assert span.kind is SpanKind.SERVER
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.attributes is not None
    expected = {
        "http.request.method": "GET",
        "http.route": "/orders/{number}",
        "http.response.status_code": 200,
        "url.path": "/orders/7",
        "url.scheme": "http",
    }
    assert expected.items() <= dict(span.attributes).items()
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("traceparent", [None, "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01"])
def test_without_a_usable_trace_a_new_one_begins(client: TestClient, traceparent: str | None) -> None:
    """A missing or malformed traceparent gives a trace of its own."""
    headers = {"traceparent": traceparent} if traceparent else {}
    trace_ids = {client.get("/nowhere", headers=headers).json()["trace_id"] for _ in range(2)}
    assert len(trace_ids) == 2
    assert all(len(trace_id) == 32 and int(trace_id, 16) for trace_id in trace_ids)


def test_a_failed_request_marks_its_span(app: MaestroAPI, client: TestClient, spans: InMemorySpanExporter) -> None:
    """An unexpected exception is recorded on the span, whose status is an error."""

    @app.get("/boom")
    async def boom() -> None:
        raise KeyError("x")

    client.get("/boom")
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "INTERNAL_ERROR"
    assert [event.name for event in span.events] == ["exception"]


def test_probes_are_neither_traced_nor_logged_loudly(client: TestClient, spans: InMemorySpanExporter) -> None:
    """Health and metrics calls make no spans, and their access lines are at debug level."""
    with capture_logs() as logs:
        for path in ("/health/live", "/health/ready", "/metrics"):
            client.get(path)
    assert spans.get_finished_spans() == ()
    assert {line["level"] for line in logs if line["event"] == "Request answered"} <= {"debug"}


def test_each_request_has_one_access_line(app: MaestroAPI, client: TestClient) -> None:
    """The access line says who asked for what and how it went, and shares its ids with all other lines."""

    @app.get("/orders/{number}")
    async def order(number: int) -> None:
        get_logger("orders").info("Looking")

    with capture_logs() as logs:
        client.get("/orders/7", headers={"traceparent": TRACEPARENT, "x-request-id": "abc"})
    looking, access = logs
    assert looking["event"] == "Looking"
    expected = {
        "event": "Request answered", "level": "info", "method": "GET", "path": "/orders/7",
        "route": "/orders/{number}", "status": 200, "principal": "ada",
    }  # fmt: skip
    assert expected.items() <= access.items()
    assert access["duration_ms"] >= 0
    for line in (looking, access):
        assert (line["request_id"], line["trace_id"]) == ("abc", TRACE_ID)


def test_plain_functions_keep_the_request_s_ids(app: MaestroAPI, client: TestClient) -> None:
    """An endpoint that is a plain function runs in a thread, and its log lines belong to the request all the same."""

    @app.get("/plain")
    def plain() -> None:
        get_logger("orders").info("In a thread")

    with capture_logs() as logs:
        client.get("/plain", headers={"traceparent": TRACEPARENT, "x-request-id": "abc"})
    assert (logs[0]["event"], logs[0]["request_id"], logs[0]["trace_id"]) == ("In a thread", "abc", TRACE_ID)


def test_an_error_s_code_is_in_the_access_line(client: TestClient) -> None:
    """The access line of an error names its code."""
    with capture_logs() as logs:
        client.get("/nowhere")
    assert (logs[-1]["status"], logs[-1]["error_code"], logs[-1]["route"]) == (404, "NOT_FOUND", "unmatched")


@pytest.mark.parametrize(("roles", "status"), [(["viewer"], 101), ([], 403)])
def test_websockets_have_an_access_line(
    app: MaestroAPI, anonymous: TestClient, auth: Any, roles: list[str], status: int
) -> None:
    """A WebSocket's access line says whether it was opened."""

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    headers = auth(*roles) if roles else {}
    with capture_logs() as logs, suppress(WebSocketDisconnect), anonymous.websocket_connect("/live", headers=headers):
        pass
    assert [(line["method"], line["status"]) for line in logs] == [("WEBSOCKET", status)]


def test_nothing_of_a_request_stays_behind(client: TestClient) -> None:
    """After a request, log lines carry nothing of it."""
    client.get("/nowhere", headers={"x-request-id": "abc"})
    with capture_logs() as logs:
        get_logger("orders").info("Later")
    assert "request_id" not in logs[0]


def routed(app: MaestroAPI) -> None:
    """Add routes of every kind."""
    router = APIRouter(prefix="/v1")

    @router.get("/orders/{number:int}")
    async def order(number: int) -> None: ...

    @app.get("/plain")
    async def plain() -> None: ...

    app.include_router(router)
    app.mount("/files", PlainTextResponse("file"))
    app.add_route("/raw", lambda request: PlainTextResponse("raw"))
    app.add_route("/raw/{name}", lambda request: PlainTextResponse("raw"))


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/plain", "/plain"),
        ("/v1/orders/7", "/v1/orders/{number}"),
        ("/files/a/b", "/files/{path}"),
        ("/raw", "/raw"),
        ("/raw/x", "unmatched"),
        ("/nowhere/at/all", "unmatched"),
    ],
)
def test_metrics_go_by_route_template(app: MaestroAPI, client: TestClient, path: str, template: str) -> None:
    """Requests are counted under the template of their route; a path of the caller's making never becomes a label."""
    routed(app)
    status = str(client.get(path).status_code)
    labels = {"service": "orders", "method": "GET", "route": template}
    assert metric(client, "service_requests_total", **labels, status=status) == 1
    assert metric(client, "service_request_duration_seconds_count", **labels) == 1


def test_errors_are_counted_by_code(client: TestClient) -> None:
    """service_errors_total tells the error codes apart."""
    client.get("/nowhere")
    labels = {"service": "orders", "route": "unmatched", "status": "404", "error_code": "NOT_FOUND"}
    assert metric(client, "service_errors_total", **labels) == 1


def test_metrics_can_be_switched_off(make_app: Callable[..., MaestroAPI], auth: Any) -> None:
    """Without metrics there is no /metrics, and requests work."""
    client = TestClient(make_app(enable_metrics=False), headers=auth("admin"))
    assert client.get("/metrics").status_code == 404
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/nowhere"])
def test_every_answer_has_security_headers(client: TestClient, path: str) -> None:
    """Browsers are told not to guess types, frame, or store answers."""
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_an_endpoint_may_set_these_headers_itself(app: MaestroAPI, client: TestClient) -> None:
    """A header that the endpoint sets is left alone and not doubled."""

    @app.get("/cached")
    async def cached() -> Response:
        return PlainTextResponse("x", headers={"Cache-Control": "max-age=60", "X-Request-Id": "mine"})

    headers = client.get("/cached").headers
    assert headers.get_list("cache-control") == ["max-age=60"]
    assert len(headers.get_list("x-request-id")) == 1
    assert headers["x-request-id"] != "mine"


def test_middleware_of_the_service_stands_before_the_guard(make_app: Callable[..., MaestroAPI]) -> None:
    """A CORS preflight, which cannot carry a token, is answered by the middleware."""
    app = make_app()
    app.add_middleware(CORSMiddleware, allow_origins=["https://app.example"])
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    answer = TestClient(app).options("/orders", headers=preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["x-request-id"]


def test_a_broken_middleware_is_a_problem_too(make_app: Callable[..., MaestroAPI], auth: Any) -> None:
    """An exception outside of all endpoints still gives a problem document and one log entry."""
    app = make_app()

    @app.middleware("http")
    async def broken(request: Request, call_next: Any) -> Response:
        raise OSError("disk")

    with capture_logs() as logs:
        answer = TestClient(app, raise_server_exceptions=False, headers=auth("admin")).get("/nowhere")
    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert [line["event"] for line in logs].count("Unhandled exception") == 1


def test_an_exception_after_the_answer_began_is_logged(app: MaestroAPI, client: TestClient) -> None:
    """When a stream breaks in the middle, the status stands, and the log has the exception."""
    from starlette.responses import StreamingResponse

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "one"
            raise OSError("disk")

        return StreamingResponse(pieces())

    with capture_logs() as logs:
        client.get("/stream")
    assert [line["event"] for line in logs] == ["Unhandled exception", "Request answered"]
    assert logs[-1]["status"] == 200


def test_the_lifespan_is_composed(make_app: Callable[..., MaestroAPI], auth: Any) -> None:
    """The service's own lifespan runs inside the framework's, and its state reaches the endpoints."""
    steps = []

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[dict[str, str]]:
        steps.append(f"open {app.config.service_name}")
        yield {"store": "journal"}
        steps.append("close")

    app = make_app(lifespan=lifespan)

    @app.get("/store")
    async def store(request: Request) -> str:
        return str(request.state.store)

    with TestClient(app, headers=auth("admin")) as client:
        assert client.get("/store").json() == "journal"
        assert steps == ["open orders"]
    assert steps == ["open orders", "close"]


@pytest.mark.parametrize("secret_is_set", [True, False])
def test_a_missing_key_is_warned_about(make_app: Callable[..., MaestroAPI], secret_is_set: bool) -> None:
    """Start-up says when no jwt_secret is configured, and is silent when there is one."""
    app = make_app() if secret_is_set else make_app(security={})
    with capture_logs() as logs, TestClient(app):
        pass
    warned = [line for line in logs if line["level"] == "warning" and "jwt_secret" in line["event"]]
    assert len(warned) == (0 if secret_is_set else 1)
