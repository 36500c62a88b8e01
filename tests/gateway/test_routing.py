"""Where requests go, how often they are tried, and what is answered when nobody is there."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
import pytest_asyncio
from edge_kit.edge import Running, bearer, edge, until
from fastapi import Request, Response, WebSocket
from starlette.responses import StreamingResponse

from maestro_core_api import MaestroAPI, public
from maestro_core_api.gateway import GatewayConfig, GatewayCORS, GatewayProtection, GatewayRetries, GatewayRoute
from maestro_core_api.testing import running

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEEN: Counter[str] = Counter()


def shop(site: Running) -> MaestroAPI:
    config = GatewayConfig(
        max_body_bytes=1_000,
        cors=GatewayCORS(origins=("https://shop.example", "https://*.maestro.example"), credentials=True),
        retries=GatewayRetries(attempts=2, statuses=(503,)),
        routes=(
            GatewayRoute(path="/slow", timeout=timedelta(milliseconds=300), authentication="public"),
            GatewayRoute(path="/ws", match="exact", methods=("GET",), authentication="public"),
        ),
    )
    app = site.app(gateway=config)

    @app.get("/orders/{number}")
    @public
    async def order(number: str, request: Request) -> dict[str, object]:
        return {"number": number, "query": str(request.query_params), "headers": dict(request.headers)}

    @app.post("/orders", status_code=201)
    @public
    async def place(response: Response, data: dict[str, str]) -> None:
        response.headers["Location"] = "/orders/7"

    @app.api_route("/flaky", methods=["GET", "POST", "PUT"])
    @public
    async def flaky(request: Request, response: Response) -> str:
        SEEN[request.method] += 1
        response.status_code = 503
        return "no"

    @app.get("/slow")
    @public
    async def slow() -> None:
        await asyncio.sleep(30)

    @app.get("/stream")
    @public
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for number in range(3):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0.2)

        return StreamingResponse(parts(), media_type="text/event-stream")

    @app.websocket("/ws")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())

    echo.__dict__["__maestro_public__"] = True
    return app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with edge(tmp_path_factory.mktemp("routing")) as site:
        await site.serve(shop(site))
        await site.reachable("/shop/orders/1")
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: Running) -> httpx2.AsyncClient:
    return await site.client()


async def test_a_request_arrives_as_it_was_sent(client: httpx2.AsyncClient) -> None:
    """The service sees its own path, the query, who calls, under which name it is known, one request id and one trace."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    sent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "x-request-id": "r-17", "tracestate": "a=b"}
    answer = await client.get("/shop/orders/a%20b?x=1&y=%2F", headers=sent)
    arrived = answer.json()
    assert (arrived["number"], arrived["query"]) == ("a b", "x=1&y=%2F")
    headers = arrived["headers"]
    assert headers["x-forwarded-prefix"] == "/shop"
    assert "," not in headers["x-forwarded-for"]
    assert headers["x-request-id"] == answer.headers["x-request-id"] == "r-17"
    assert headers["traceparent"].split("-")[1] == trace
    assert headers["traceparent"] != sent["traceparent"], "the gateway's own span is in between"
    assert headers["x-trace-id"] == trace
    assert not [name for name in headers if name.startswith("x-maestro-")]
    assert not [name for name in answer.headers if name.startswith("x-envoy-")]


async def test_places_are_named_as_seen_from_outside(client: httpx2.AsyncClient) -> None:
    """A Location that a service names from its own root leads back to it through the gateway."""
    placed = await client.post("/shop/orders", json={})
    assert (placed.status_code, placed.headers["location"]) == (201, "/shop/orders/7")


async def test_only_idempotent_requests_are_sent_again(client: httpx2.AsyncClient) -> None:
    """GET and PUT are tried three times in all, POST once; the last answer is passed on as it is."""
    for method, tries in (("GET", 3), ("PUT", 3), ("POST", 1)):
        SEEN.clear()
        answer = await client.request(method, "/shop/flaky")
        assert (answer.status_code, answer.json()) == (503, "no")
        assert SEEN[method] == tries, method


async def test_limits_of_time_size_and_method(client: httpx2.AsyncClient) -> None:
    """504, 413 and 405 are problem documents that name the rule and the limit."""
    late = await client.get("/shop/slow")
    assert (late.status_code, late.json()["rule"], late.json()["limit"]) == (504, "timeout", 0.3)
    assert late.json()["instance"] == "/shop/slow"
    assert len(late.json()["trace_id"]) == 32
    large = await client.post("/shop/orders", content=b"x" * 1_001)
    assert (large.status_code, large.json()["rule"], large.json()["limit"]) == (413, "body-limit", 1_000)
    wrong = await client.delete("/shop/orders")
    assert (wrong.status_code, wrong.headers["allow"], wrong.json()["rule"]) == (405, "POST", "method-declared")


async def test_streams_are_not_cut(client: httpx2.AsyncClient) -> None:
    """Server-sent events come part by part, as they are sent."""
    async with client.stream("GET", "/shop/stream") as answer:
        parts = [part async for part in answer.aiter_text()]
    assert "".join(parts) == "data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert len(parts) > 1


async def test_web_sockets_pass(site: Running) -> None:
    """A WebSocket is opened through the gateway and carries frames both ways."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.gateway.port)
    writer.write(
        b"GET /shop/ws HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    writer.write(bytes([0x81, 0x82, 0, 0, 0, 0]) + b"hi")
    assert await reader.readexactly(4) == b"\x81\x02hi"
    writer.close()


async def test_pages_of_other_origins(client: httpx2.AsyncClient) -> None:
    """Preflights of origins that are named are answered by the gateway; others get no permission."""
    asked = {"access-control-request-method": "POST"}
    for origin, allowed in (
        ("https://shop.example", True),
        ("https://a.maestro.example", True),
        ("https://shop.example.evil.example", False),
        ("https://evil-maestro.example", False),
        ("null", False),
    ):
        preflight = await client.options("/shop/orders", headers={**asked, "origin": origin})
        assert (preflight.headers.get("access-control-allow-origin") == origin) is allowed, origin
        answer = await client.get("/shop/orders/1", headers={"origin": origin})
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed, origin
    refused = await client.get("/shop/openapi.json", headers={"origin": "https://shop.example"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://shop.example")


async def test_a_service_of_which_nothing_runs(site: Running) -> None:
    """Its routes are still there: the answer is 503 with the rule, and not that there is no such path."""
    app = site.app("gone")

    @app.get("/about")
    @public
    async def about() -> None: ...

    async with running(app):
        await site.reachable("/gone/about")
    answer = await site.reachable("/gone/about", status=503)
    assert answer.json()["rule"] == "instance-available"
    assert answer.headers["retry-after"] == "1"
    assert "gone" in answer.json()["detail"]


async def test_traffic_is_divided_by_version(site: Running) -> None:
    """With 20 percent for the canary, 2,000 requests divide so within six standard deviations; a canary that is gone leaves its share."""

    def version(number: str) -> MaestroAPI:
        app = site.app("canary", version=number, gateway=GatewayConfig(weights={"2.0.0": 20}))

        @app.get("/version")
        @public
        async def tell() -> str:
            return number

        return app

    client = await site.client()
    await site.serve(version("1.0.0"))
    async with running(version("2.0.0")):

        async def both() -> bool:
            return len({(await client.get("/canary/version")).text for _ in range(20)}) == 2

        await until(both)
        answers = Counter([(await client.get("/canary/version")).json() for _ in range(2_000)])
        assert answers.total() == 2_000
        assert abs(answers["2.0.0"] - 400) < 6 * (2_000 * 0.2 * 0.8) ** 0.5, answers

    async def one() -> bool:
        return {(await client.get("/canary/version")).text for _ in range(20)} == {'"1.0.0"'}

    await until(one)


async def test_a_breaker_keeps_a_service_from_being_overrun(site: Running) -> None:
    """With room for two requests, the others of twenty at once are told to come later, and nobody waits for nothing."""
    free = asyncio.Event()
    protection = GatewayProtection(max_requests=2, max_pending_requests=1, max_connections=2)
    app = site.app("busy", gateway=GatewayConfig(protection=protection, retries=GatewayRetries(attempts=0)))

    @app.get("/work")
    @public
    async def work() -> None:
        await free.wait()

    @app.get("/ready")
    @public
    async def ready() -> None: ...

    await site.serve(app)
    await site.reachable("/busy/ready")
    client = await site.client()
    asked = [asyncio.create_task(client.get("/busy/work")) for _ in range(20)]
    done: set[asyncio.Task[httpx2.Response]] = set()
    while len(done) < 16:
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.01)
    free.set()
    answers = Counter([(await each).status_code for each in asked])
    assert answers[503] >= 16
    assert answers[200] >= 2
    refused = next(each.result() for each in asked if each.result().status_code == 503)
    assert refused.json()["rule"] == "circuit-breaker"


async def test_a_sick_instance_gets_no_traffic(site: Running) -> None:
    """An instance that answers 500 five times in a row is left alone, and callers see the healthy one."""
    protection = GatewayProtection(ejection=timedelta(seconds=300))

    def sick(code: int) -> MaestroAPI:
        app = site.app("clinic", gateway=GatewayConfig(protection=protection))

        @app.get("/health-of")
        @public
        async def tell(response: Response) -> int:
            response.status_code = code
            return code

        return app

    await site.serve(sick(200))
    await site.serve(sick(500))
    client = await site.client()

    async def only_the_healthy() -> bool:
        return {(await client.get("/clinic/health-of")).status_code for _ in range(20)} == {200}

    await until(only_the_healthy)


async def test_each_request_has_a_line(site: Running, client: httpx2.AsyncClient) -> None:
    """The access log has one line of JSON for a request, found by its trace id, without the query."""
    trace = "1bf7651916cd43dd8448eb211c80319d"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", **bearer(subject="ada")}
    await client.get("/shop/orders/1?token=geheim", headers=headers)
    (line,) = await until(lambda: site.gateway.lines(trace_id=trace))
    assert (line["service"], line["event"], line["level"]) == ("gateway", "Request answered", "info")
    assert (line["path"], line["route"], line["status"], line["method"]) == (
        "/shop/orders/1",
        "shop:/orders/{number}",
        200,
        "GET",
    )
    assert line["upstream"] == "shop"
    assert "geheim" not in site.gateway.log.read_text()
