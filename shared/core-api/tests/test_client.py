import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import Request
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.responses import PlainTextResponse, StreamingResponse

from maestro_core_api import (
    APIClient,
    APIException,
    BadGatewayException,
    ClientNotOpenError,
    MaestroAPI,
    Principal,
    RemoteAPIException,
    ServiceUnavailableException,
    current_principal,
    issue_token,
    public,
)
from maestro_core_api._server import bind
from maestro_core_api.testing import running
from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_monitoring import current_trace_id

MakeApp = Callable[..., MaestroAPI]


@pytest.fixture
def token(secret: str) -> str:
    """An admin's token."""
    return issue_token(secret, subject="ada", roles=["admin"])


@pytest.fixture
def free_url() -> str:
    """An address where nothing listens."""
    with bind("127.0.0.1", 0) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


class Flaky:
    """An endpoint that fails some times before it answers."""

    def __init__(self, app: MaestroAPI, *, failures: int, status: int = 503) -> None:
        self.calls = 0
        self._failures = failures
        self._status = status
        app.api_route("/flaky", methods=["GET", "POST", "PUT", "DELETE"])(self.answer)

    async def answer(self) -> dict[str, int]:
        """Fail until it is enough."""
        self.calls += 1
        if self.calls <= self._failures:
            raise APIException(status_code=self._status, error_code="FLAKY")
        return {"calls": self.calls}


async def test_calls_carry_token_body_and_query(app: MaestroAPI, token: str) -> None:
    """Method, path, query, JSON body, headers and token arrive."""

    @app.api_route("/echo", methods=["GET", "POST", "PUT", "DELETE"])
    async def echo(request: Request) -> dict[str, Any]:
        principal: Principal = await current_principal(request)
        return {
            "method": request.method,
            "query": dict(request.query_params),
            "body": (await request.body()).decode(),
            "who": principal.subject,
            "mine": request.headers.get("x-mine"),
        }

    async with running(app) as url, APIClient(url, token=token) as client:
        common: dict[str, Any] = {"params": {"a": "b"}, "headers": {"x-mine": "yes"}}
        expected = {"query": {"a": "b"}, "who": "ada", "mine": "yes"}
        answers = [
            await client.get("/echo", **common),
            await client.post("/echo", json={"x": 1}, **common),
            await client.put("echo", content=b"raw", **common),
            await client.delete(f"{url}/echo", **common),
        ]
    assert [answer.json() for answer in answers] == [
        expected | {"method": "GET", "body": ""},
        expected | {"method": "POST", "body": '{"x":1}'},
        expected | {"method": "PUT", "body": "raw"},
        expected | {"method": "DELETE", "body": ""},
    ]


async def test_a_problem_is_raised_with_all_it_says(app: MaestroAPI, token: str) -> None:
    """An error answer becomes an exception with its status, code, message, detail, errors and whole document."""

    @app.post("/orders")
    async def create() -> None:
        items = [{"path": "body.a", "message": "missing"}]
        raise APIException("Bad order", detail="why", status_code=422, error_code="BAD_ORDER", errors=items, limit=3)

    async with running(app) as url, APIClient(url, token=token) as client:
        with pytest.raises(RemoteAPIException) as raised:
            await client.post("/orders")
    error = raised.value
    assert (error.status_code, error.error_code, error.message) == (422, "BAD_ORDER", "Bad order")
    assert (error.detail, error.errors) == ("why", ({"path": "body.a", "message": "missing"},))
    assert error.problem is not None
    assert error.problem["limit"] == 3
    assert error.target == "POST /orders"


async def test_an_error_that_is_no_problem_document_is_raised_too(app: MaestroAPI, token: str) -> None:
    """Any other answer outside of 2xx gives a code made of its status."""
    app.add_route("/teapot", lambda request: PlainTextResponse("short and stout", status_code=418))
    async with running(app) as url, APIClient(url, token=token) as client:
        with pytest.raises(RemoteAPIException, match="GET /teapot answered 418") as raised:
            await client.get("/teapot")
    assert (raised.value.error_code, raised.value.problem) == ("HTTP_418", {})


async def test_nobody_there_names_the_target(free_url: str) -> None:
    """A refused connection is a ServiceUnavailableException that names where it went."""
    async with APIClient(free_url, retries=0) as client:
        with pytest.raises(ServiceUnavailableException, match=f"GET {free_url}/orders") as raised:
            await client.get("/orders")
    assert raised.value.error_code == "SERVICE_UNREACHABLE"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_idempotent_calls_are_tried_again(app: MaestroAPI, token: str, method: str, status: int) -> None:
    """A passing failure of an idempotent call is overcome."""
    flaky = Flaky(app, failures=2, status=status)
    async with running(app) as url, APIClient(url, token=token, retries=2) as client:
        assert (await client.request(method, "/flaky")).json() == {"calls": 3}
    assert flaky.calls == 3


async def test_retries_end(app: MaestroAPI, token: str) -> None:
    """After the last try, the last error is raised."""
    flaky = Flaky(app, failures=100)
    async with running(app) as url, APIClient(url, token=token, retries=2) as client:
        with pytest.raises(RemoteAPIException) as raised:
            await client.get("/flaky")
    assert (flaky.calls, raised.value.error_code) == (3, "FLAKY")


@pytest.mark.parametrize(("method", "status"), [("POST", 503), ("GET", 500), ("GET", 404), ("GET", 401)])
async def test_other_calls_are_made_once(app: MaestroAPI, token: str, method: str, status: int) -> None:
    """A call that is not idempotent, and an error that will not pass, are not tried again."""
    flaky = Flaky(app, failures=100, status=status)
    async with running(app) as url, APIClient(url, token=token) as client:
        with pytest.raises(RemoteAPIException):
            await client.request(method, "/flaky")
    assert flaky.calls == 1


async def test_request_id_and_trace_are_passed_on(make_app: MakeApp, token: str, spans: InMemorySpanExporter) -> None:
    """A call made while serving a request carries that request's id and continues its trace."""
    front, back = make_app(service_name="front"), make_app(service_name="back")

    @back.get("/ids")
    async def ids(request: Request) -> dict[str, Any]:
        return {"request_id": request.headers["x-request-id"], "trace_id": current_trace_id()}

    async with running(back) as back_url, APIClient(back_url, token=token) as inner:

        @front.get("/relay")
        async def relay() -> Any:
            return (await inner.get("/ids")).json()

        async with running(front) as front_url, APIClient(front_url, token=token) as outer:
            with trace.get_tracer("test").start_as_current_span("test"):
                here = current_trace_id()
                answer = await outer.get("/relay", headers={"x-request-id": "abc-1"})
    assert answer.json() == {"request_id": "abc-1", "trace_id": here}
    kinds = [span.kind for span in spans.get_finished_spans()]
    assert (kinds.count(SpanKind.CLIENT), kinds.count(SpanKind.SERVER)) == (2, 2)


async def test_a_service_is_found_through_the_registry(make_app: MakeApp, registry: Any, token: str) -> None:
    """service://name/path goes to a live instance of that name."""
    orders = make_app()

    @orders.get("/orders/{number}")
    async def order(number: int) -> int:
        return number

    async with running(registry.app) as registry_url, running(orders) as orders_url:
        registry.add("orders", orders_url)
        async with APIClient(registry_url=registry_url, token=token) as client:
            for _ in range(3):
                assert (await client.get("service://orders/orders/7")).json() == 7
    assert registry.calls == ["look up"]


async def test_a_dead_instance_is_passed_over(make_app: MakeApp, registry: Any, token: str, free_url: str) -> None:
    """When an instance does not accept the connection, the next one is asked, even for a POST."""
    orders = make_app()
    created = []

    @orders.post("/orders")
    async def create(data: dict[str, int]) -> None:
        created.append(data["number"])

    async with running(registry.app) as registry_url, running(orders) as orders_url:
        registry.add("orders", free_url, orders_url)
        async with APIClient(registry_url=registry_url, token=token) as client:
            for number in range(4):
                await client.post("service://orders/orders", json={"number": number})
    assert created == [0, 1, 2, 3]


async def test_a_moved_service_is_found_again(make_app: MakeApp, registry: Any, token: str) -> None:
    """When all known instances are gone, the registry is asked anew and the call succeeds."""
    async with running(registry.app) as registry_url, APIClient(registry_url=registry_url, token=token) as client:
        for _ in range(2):
            async with running(make_app()) as url:
                registry.add("orders", url)
                await client.get("service://orders/health/live")


async def test_no_live_instance_is_said_so(registry: Any, token: str) -> None:
    """A name without live instances is an error that names the service and the registry."""
    async with running(registry.app) as url, APIClient(registry_url=url, token=token, retries=0) as client:
        with pytest.raises(ServiceUnavailableException, match="no live instance of orders") as raised:
            await client.get("service://orders/")
    assert raised.value.error_code == "NO_LIVE_INSTANCE"
    assert url in str(raised.value)


async def test_something_else_in_the_registry_s_place_is_named(app: MaestroAPI, token: str) -> None:
    """An answer that no registry gives is an error that names the address."""

    @app.get("/services/{name}")
    async def service(name: str) -> list[str]:
        return [name]

    async with running(app) as url, APIClient(registry_url=url, token=token) as client:
        with pytest.raises(BadGatewayException, match=f"{url} does not answer like a registry"):
            await client.get("service://orders/")


async def test_without_a_registry_it_is_said_what_to_set() -> None:
    """service:// without a registry says which option is missing."""
    async with APIClient(retries=0) as client:
        with pytest.raises(ServiceUnavailableException, match="registry_url"):
            await client.get("service://orders/")


async def test_a_path_needs_a_base_url() -> None:
    """A path without base_url is a mistake in the program and says so."""
    async with APIClient() as client:
        with pytest.raises(ValueError, match="base_url"):
            await client.get("/orders")


async def test_a_client_must_be_open() -> None:
    """Use outside of the block is a clear error."""
    with pytest.raises(ClientNotOpenError, match="async with"):
        await APIClient("http://127.0.0.1:1").get("/")


class OrdersConfig(BaseConfig):
    """Configuration of a service for tests."""


async def test_a_service_s_client_speaks_for_the_service(make_app: MakeApp, registry: Any, secret: str) -> None:
    """for_service takes registry and key from the configuration; calls carry the service's name and role."""
    app = make_app()

    @app.get("/me")
    async def me(request: Request) -> dict[str, Any]:
        principal = await current_principal(request)
        return {"subject": principal.subject, "roles": sorted(principal.roles)}

    async with running(registry.app) as registry_url, running(app) as url:
        registry.add("billing", url)
        environ = {"MAESTRO_JWT_SECRET": secret, "MAESTRO_REGISTRY_URL": registry_url}
        async with APIClient.for_service(ConfigManager(OrdersConfig, environ=environ).load()) as client:
            answer = await client.get("service://billing/me")
    assert answer.json() == {"subject": "orders", "roles": ["operator"]}


async def test_a_slow_answer_runs_into_the_timeout(make_app: MakeApp) -> None:
    """An answer that does not come in time is an error that names the target."""
    app = make_app(shutdown_grace=timedelta(milliseconds=10))

    @app.get("/slow")
    @public
    async def slow() -> None:
        await asyncio.Event().wait()

    async with running(app) as url, APIClient(url, timeout=timedelta(milliseconds=50), retries=0) as client:
        with pytest.raises(ServiceUnavailableException, match="/slow: ReadTimeout"):
            await client.get("/slow")


async def test_a_transport_replaces_the_network(app: MaestroAPI, token: str) -> None:
    """With an in-process transport no socket is needed."""
    transport = httpx2.ASGITransport(app)
    async with APIClient("http://orders", token=token, transport=transport) as client:
        assert (await client.get("/health/live")).json()["status"] == "ok"


def streaming(app: MaestroAPI, *pieces: str, breaks: bool = False) -> None:
    """Add an endpoint /events that sends server-sent events as given."""

    @app.get("/events")
    @public
    async def events(request: Request) -> StreamingResponse:
        async def send() -> AsyncIterator[str]:
            for piece in pieces:
                yield piece
            yield f"data: resumed after {request.headers.get('last-event-id')}\n\n"
            if breaks:
                raise OSError("disk")

        return StreamingResponse(send(), media_type="text/event-stream")


async def test_events_are_read_one_by_one(app: MaestroAPI) -> None:
    """stream_events yields id, kind and data of each event, comments left out, and ends with the stream."""
    streaming(app, ": hello\n\n", 'id: 1\nevent: step.completed\ndata: {"a":\ndata: 1}\n\n')
    async with running(app) as url, APIClient(url) as client:
        events = [event async for event in client.stream_events("/events", headers={"Last-Event-ID": "7"})]
    assert [(event.id, event.event) for event in events] == [("1", "step.completed"), ("1", "message")]
    assert events[0].json() == {"a": 1}
    assert events[1].data == "resumed after 7"


async def test_a_broken_stream_is_not_a_finished_one(app: MaestroAPI) -> None:
    """When the connection breaks in the middle, the events so far come, and then an error."""
    streaming(app, "id: 1\ndata: x\n\n", breaks=True)
    async with running(app) as url, APIClient(url) as client:
        events = client.stream_events("/events")
        assert (await anext(events)).data == "x"
        assert (await anext(events)).data == "resumed after None"
        with pytest.raises(ServiceUnavailableException, match="/events"):
            await anext(events)


async def test_a_refused_stream_is_a_problem(app: MaestroAPI) -> None:
    """An error answer to a stream request is raised like any other."""

    @app.get("/events")
    async def events() -> None: ...

    async with running(app) as url, APIClient(url) as client:
        with pytest.raises(RemoteAPIException) as raised:
            async for _ in client.stream_events("/events"):
                pass
    assert raised.value.error_code == "AUTH_REQUIRED"


async def test_an_answer_can_be_read_in_pieces(app: MaestroAPI) -> None:
    """Stream gives the open answer."""
    streaming(app, "data: one\n\n")
    async with running(app) as url, APIClient(url) as client, client.stream("GET", "/events") as response:
        lines = [line async for line in response.aiter_lines() if line]
    assert lines == ["data: one", "data: resumed after None"]
