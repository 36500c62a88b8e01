"""Attacks on the gateway: requests that two readers could read in two ways, paths with two spellings, heads without end, forged headers."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from edge_kit.edge import TOKEN, Running, bearer, edge, until
from fastapi import Request

from maestro_core_api import public
from maestro_core_api.gateway import GatewayConfig, GatewayRoute

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEEN: list[tuple[str, str, dict[str, str], bytes]] = []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A shop with a public corner and an inner one, which notes whatever reaches it."""
    async with edge(tmp_path_factory.mktemp("attacks")) as site:
        routes = (GatewayRoute(path="/open", authentication="public"), GatewayRoute(path="/inner", roles=("admin",)))
        app = site.app(gateway=GatewayConfig(routes=routes))

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        @public  # the service trusts the gateway here, so that whatever gets past it shows
        async def note(path: str, request: Request) -> str:
            SEEN.append((request.method, request.url.path, dict(request.headers), await request.body()))
            return path

        await site.serve(app)
        await site.reachable("/shop/open")
        yield site


async def raw(site: Running, data: bytes) -> list[bytes]:
    """Send bytes as they are, and return the status lines of all that comes back until the other side closes, or waits for more."""
    SEEN.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.gateway.port)
    writer.write(data)
    answer = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        while part := await asyncio.wait_for(reader.read(65_536), 2):
            answer += part
    writer.close()
    return re.findall(rb"HTTP/1\.1 \d{3}", answer)


def head(*lines: str, path: str = "/shop/open", method: str = "POST") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: gateway", *lines, "", "")).encode("latin-1")


SMUGGLED = b"GET /shop/inner HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nx-smuggled: yes\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 6", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 6"),
        ("Content-Length: 6", "Content-Length: 70"),
        ("Content-Length: 6, 70",),
        ("Content-Length: +6",),
        ("Content-Length: 0x6",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding : chunked",),
        (" Transfer-Encoding: chunked",),
        ("Transfer-Encoding:\x0bchunked",),
        ("X: y\rTransfer-Encoding: chunked",),
        ("X: y\nTransfer-Encoding: chunked\x00",),
    ],
)
async def test_no_request_hides_in_another(site: Running, lines: tuple[str, ...]) -> None:
    """Whatever is said about a body's length, a request inside of it reaches nobody, and the inner corner stays closed."""
    statuses = await raw(site, head(*lines) + b"0\r\n\r\n" + SMUGGLED)
    assert not [seen for seen in SEEN if "inner" in seen[1]], SEEN
    assert all(status.split()[1] in {b"400", b"401", b"501", b"200"} for status in statuses), statuses
    assert b"HTTP/1.1 400" in statuses or not [seen for seen in SEEN if "x-smuggled" in seen[2]], statuses


async def test_a_bare_chunk_is_one_request(site: Running) -> None:
    """A chunked body that ends early is followed by a request of its own, which needs a token of its own."""
    statuses = await raw(site, head("Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED)
    assert [status.split()[1] for status in statuses] == [b"200", b"401"]
    assert [seen[1] for seen in SEEN] == ["/open"]


@pytest.mark.parametrize(
    "path",
    [
        "/shop/open/../inner",
        "/shop/open/%2e%2e/inner",
        "/shop/open/..%2finner",
        "/shop/open/%2e%2e%2finner",
        "/shop/open/..%5cinner",
        "/shop/open/..\\inner",
        "/shop/./inner",
        "/shop//inner",
        "//shop/inner",
        "/shop/%69nner",
        "/shop/inner%00",
        "/shop/open/..;/inner",
        "/shop/open/../../shop/inner",
        "/shop/%2e/inner",
        "/shop/ops/info",
        "/shop//ops/info",
        "/shop/open/../ops/info",
        "/shop/%6fps/info",
        "/shop/open/%2e%2e/metrics",
        "http://gateway/shop/inner",
    ],
)
async def test_a_closed_path_has_no_other_spelling(site: Running, path: str) -> None:
    """However a path is written, without a token nothing but the open corner is reached."""
    await raw(site, head("Connection: close", path=path, method="GET"))
    assert not [seen for seen in SEEN if not seen[1].startswith("/open")], SEEN
    assert not [seen for seen in SEEN if "/.." in seen[1] or "\\" in seen[1]], SEEN


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_another_spelling_gives_no_other_role(site: Running, role: str) -> None:
    """A token that is not enough stays so for each spelling of the path."""
    client = await site.client(headers=bearer(role))
    SEEN.clear()
    for path in (
        "/shop/inner",
        "/shop/inner/",
        "/shop//inner",
        "/shop/open/../inner",
        "/shop/inner?x=/shop/open",
        "/shop/inner/x",
    ):
        assert (await client.get(path)).status_code in {400, 403}, path
    assert SEEN == []


@pytest.mark.parametrize(
    ("lines", "statuses"),
    [
        (tuple(f"X-{number}: y" for number in range(200)), {b"431"}),
        (("X: " + "y" * 100_000,), {b"431"}),
        (("X-Under_Score: y",), {b"400"}),
        (("X\x00: y",), {b"400"}),
        (("Host: other",), {b"400"}),
    ],
)
async def test_a_head_has_limits(site: Running, lines: tuple[str, ...], statuses: set[bytes]) -> None:
    """Heads that are too large, have too many fields, or fields that servers read in different ways, end at the gateway."""
    answered = await raw(site, head("Connection: close", *lines, method="GET"))
    assert {status.split()[1] for status in answered} <= statuses, answered
    assert SEEN == []


async def test_nobody_speaks_for_the_gateway(site: Running) -> None:
    """Headers of the gateway's own parts, of proxies and of Envoy are taken from requests, so that none of them means anything."""
    client = await site.client()
    SEEN.clear()
    forged = {
        "x-maestro-subject": "root", "x-maestro-limits": "{}", "x-maestro-tenant": "a", "x-forwarded-prefix": "/evil",
        "x-trace-id": "evil", "x-envoy-original-path": "/shop/inner", "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "100",
        "x-envoy-upstream-rq-timeout-ms": "1", "x-forwarded-proto": "https", "x-original-url": "/inner", "x-rewrite-url": "/inner",
    }  # fmt: skip
    assert (await client.get("/shop/open", headers=forged)).status_code == 200
    ((_, path, headers, _),) = SEEN
    assert path == "/open"
    assert headers["x-forwarded-prefix"] == "/shop"
    assert headers["x-trace-id"] != "evil"
    assert headers["x-envoy-original-path"] == "/shop/open"
    for name in (
        "x-maestro-subject",
        "x-maestro-limits",
        "x-maestro-tenant",
        "x-envoy-retry-on",
        "x-envoy-upstream-rq-timeout-ms",
    ):
        assert name not in headers


async def test_a_log_line_is_one_line(site: Running) -> None:
    """What a caller writes into headers and paths cannot make a line of the log, or a member of one, of its own."""
    client = await site.client()
    evil = '/shop/open/"},{"event":"forged"}%0a{"event":"forged"}'
    await client.get(evil, headers={"x-request-id": 'a","principal":"root'})
    found = await until(
        lambda: [line for line in site.gateway.lines(event="Request answered") if "forged" in line["path"]]
    )
    assert len(found) == 1
    assert "principal" not in found[0]
    assert not site.gateway.lines(event="forged")


@pytest.mark.parametrize(
    "trace", ["", "00-", "zz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "00-" + "x" * 50, "a" * 5_000]
)
async def test_a_damaged_trace_harms_nobody(site: Running, trace: str) -> None:
    """A traceparent that is none does not stop the request; its request id finds the gateway's line."""
    client = await site.client()
    answer = await client.get("/shop/open", headers={"traceparent": trace, "x-request-id": f"damaged-{len(trace)}"})
    assert answer.status_code == 200
    await until(lambda: site.gateway.lines(request_id=f"damaged-{len(trace)}"))


@pytest.mark.parametrize(
    "headers", [{}, bearer("admin"), {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {TOKEN}x"}]
)
async def test_configuration_is_for_gateways_alone(site: Running, headers: dict[str, str]) -> None:
    """Nobody without the gateway's own token is given Envoy's configuration, admins included; through the gateway nobody at all."""
    asked = json.dumps({"node": {"id": "x", "metadata": {"maestro": {"port": 1}}}})
    client = await site.client()
    for kind in ("clusters", "endpoints", "routes", "listeners"):
        answer = await client.post(f"{site.registry_url}/v3/discovery:{kind}", content=asked, headers=headers)
        assert (answer.status_code, answer.json()["rule"]) == (401, "gateway-token")


async def test_configuration_holds_no_secret(site: Running) -> None:
    """What the registry gives a gateway names the file with the key, and not the key."""
    client = await site.client(headers={"Authorization": f"Bearer {TOKEN}"})
    asked = {"node": {"id": "x", "metadata": {"maestro": {"port": 1}}}}
    for kind in ("clusters", "endpoints", "routes", "listeners"):
        answer = await client.post(f"{site.registry_url}/v3/discovery:{kind}", json=asked)
        assert answer.status_code == 200
        assert "a-secret-for-tests" not in answer.text
    wrong = await client.post(f"{site.registry_url}/v3/discovery:routes", json={"node": {"id": "x"}})
    assert wrong.status_code == 422
