from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from maestro_core_api import (
    MaestroAPI,
    MemoryKeyStore,
    RateLimit,
    RateLimitConfig,
    SecurityConfig,
    client_address,
    issue_api_key,
    limit_rate,
    public,
)

Auth = Callable[..., dict[str, str]]
MakeApp = Callable[..., MaestroAPI]
HOUR = timedelta(hours=1)


def limited(make_app: MakeApp, *limits: RateLimit, **options: Any) -> MaestroAPI:
    """An application with limits and two endpoints."""
    app = make_app(rate_limits=RateLimitConfig(limits=limits), **options)

    @app.get("/orders/{number}")
    async def order(number: int) -> int:
        return number

    @app.get("/about")
    @public
    async def about() -> str:
        return "orders"

    return app


def rule(name: str, limit: int, *by: str, **options: Any) -> RateLimit:
    """A limit for an hour, so that nothing comes back while a test runs."""
    return RateLimit.model_validate({"rule": name, "limit": limit, "period": HOUR, "by": by, **options})


def test_a_refusal_says_which_rule_limit_and_wait(make_app: MakeApp, auth: Auth) -> None:
    """Beyond the limit the answer is a 429 that names the rule, the limit and the wait, and each answer tells what is left."""
    client = TestClient(limited(make_app, rule("per-caller", 2, "caller")), headers=auth("viewer"))
    first = client.get("/orders/1")
    assert first.headers["ratelimit-policy"] == '"per-caller";q=2;w=3600'
    assert first.headers["ratelimit"].startswith('"per-caller";r=1;t=')
    assert client.get("/orders/1").status_code == 200
    refused = client.get("/orders/1")
    document = refused.json()
    assert refused.status_code == 429
    assert document["error_code"] == "RATE_LIMITED"
    assert (document["rule"], document["limit"]) == ("per-caller", 2)
    assert 1 <= document["retry_after"] <= 1_800
    assert document["violated-policies"] == ["per-caller"]
    assert refused.headers["retry-after"] == str(document["retry_after"])
    assert refused.headers["ratelimit"].startswith('"per-caller";r=0;t=')


def test_callers_are_counted_apart(make_app: MakeApp, auth: Auth) -> None:
    """A principal uses up its own limit, from whatever address and with whatever token."""
    client = TestClient(limited(make_app, rule("per-caller", 1, "caller")))
    assert client.get("/orders/1", headers=auth("viewer", subject="ada")).status_code == 200
    assert client.get("/orders/1", headers=auth("admin", subject="ada")).status_code == 429
    assert client.get("/orders/1", headers=auth("viewer", subject="bob")).status_code == 200


def test_a_tenants_callers_share_its_limit(make_app: MakeApp, auth: Auth) -> None:
    """Whoever belongs to a tenant uses up the tenant's limit; callers without a tenant count as those of one."""
    client = TestClient(limited(make_app, rule("per-tenant", 1, "tenant")))

    def status(subject: str, tenant: str | None) -> int:
        return client.get("/orders/1", headers=auth("viewer", subject=subject, tenant=tenant)).status_code

    assert [status("ada", "acme"), status("bob", "acme"), status("eve", "other")] == [200, 429, 200]
    assert [status("ada", None), status("bob", None)] == [200, 429]


def test_anonymous_callers_are_counted_by_address(make_app: MakeApp) -> None:
    """Where no token is needed, addresses stand for callers."""
    app = limited(make_app, rule("per-caller", 1, "caller"))
    one, two = TestClient(app, client=("10.0.0.1", 1)), TestClient(app, client=("10.0.0.2", 1))
    assert [one.get("/about").status_code, one.get("/about").status_code] == [200, 429]
    assert two.get("/about").status_code == 200


def test_a_limit_by_address_stands_before_authentication(make_app: MakeApp) -> None:
    """Whoever tries out tokens is stopped by address, and that is counted."""
    app = limited(make_app, rule("attempts", 3, "address"))
    client = TestClient(app)
    answers = [client.get("/orders/1", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(5)]
    assert answers == [401, 401, 401, 429, 429]
    assert b'rule="attempts"' in app.metrics.exposition()[0]


def test_routes_are_counted_apart(make_app: MakeApp, auth: Auth) -> None:
    """By route, all paths of one template count together, and paths that do not exist count as one."""
    client = TestClient(limited(make_app, rule("per-route", 2, "caller", "route")), headers=auth("viewer"))
    assert [client.get(f"/orders/{number}").status_code for number in range(3)] == [200, 200, 429]
    assert client.get("/about").status_code == 200
    assert [client.get(f"/nowhere/{number}").status_code for number in range(3)] == [404, 404, 429]


def test_a_limit_for_api_keys_is_for_those_only(make_app: MakeApp, auth: Auth, secret: str) -> None:
    """Callers with a token are outside of a limit for keys."""
    key, record = issue_api_key(subject="robot")
    app = MaestroAPI(limited(make_app, rule("per-key", 1, "api_key")).config, key_store=MemoryKeyStore([record]))
    client = TestClient(app)
    assert [client.get("/x", headers={"X-API-Key": key}).status_code for _ in range(2)] == [404, 429]
    assert [client.get("/x", headers=auth("viewer")).status_code for _ in range(2)] == [404, 404]


def test_everybody_together(make_app: MakeApp, auth: Auth) -> None:
    """A limit by nothing counts all requests together."""
    client = TestClient(limited(make_app, rule("all", 1)))
    assert client.get("/orders/1", headers=auth("viewer", subject="ada")).status_code == 200
    assert client.get("/orders/1", headers=auth("viewer", subject="bob")).status_code == 429


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_health_and_metrics_are_outside(make_app: MakeApp, path: str) -> None:
    """Probes are never refused."""
    client = TestClient(limited(make_app, rule("all", 1), rule("address", 1, "address")))
    assert [client.get(path).status_code for _ in range(4)] == [200] * 4


def test_endpoints_have_limits_of_their_own(make_app: MakeApp, auth: Auth) -> None:
    """A dependency limits an endpoint, or the endpoints of a router together; denials are counted by rule."""
    app = make_app()
    exports = APIRouter(prefix="/exports", dependencies=[Depends(limit_rate(rule("exports", 2, "caller")))])

    @exports.get("/a")
    async def a() -> str:
        return "a"

    @exports.get("/b")
    async def b() -> str:
        return "b"

    @app.get("/free")
    async def free() -> str:
        return "free"

    app.include_router(exports)
    client = TestClient(app, headers=auth("viewer"))
    assert client.get("/exports/a").headers["ratelimit"].startswith('"exports";r=1')
    assert [client.get("/exports/b").status_code, client.get("/exports/a").status_code] == [200, 429]
    assert client.get("/free").status_code == 200
    assert "ratelimit" not in client.get("/free").headers
    assert b'rule="exports"' in app.metrics.exposition()[0]


def test_websockets_are_limited_too(make_app: MakeApp, auth: Auth) -> None:
    """Beyond the limit a WebSocket is refused with "try again later"."""
    app = limited(make_app, rule("per-caller", 1, "caller"))

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    client = TestClient(app, headers=auth("viewer"))
    with client.websocket_connect("/live"):
        pass
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/live"):
        pass
    assert refused.value.code == 1013


@pytest.mark.parametrize(
    ("when", "statuses"), [("local", [200, 429, 429]), ("allow", [200, 200, 200]), ("deny", [503, 503, 503])]
)
def test_what_happens_without_valkey_is_a_choice(make_app: MakeApp, auth: Auth, when: str, statuses: list[int]) -> None:
    """While Valkey is away, each process counts for itself, lets through, or refuses; it is counted in any case."""
    limits = RateLimitConfig.model_validate({"limits": (rule("per-caller", 1, "caller"),), "when_unavailable": when})
    app = make_app(rate_limits=limits, valkey_url="valkey://127.0.0.1:1")

    @app.get("/orders")
    async def orders() -> None: ...

    with TestClient(app, headers=auth("viewer")) as client:
        answers = [client.get("/orders") for _ in range(3)]
    assert [answer.status_code for answer in answers] == statuses
    if when == "deny":
        assert answers[0].json()["rule"] == "rate-limit-store-available"
        assert answers[0].headers["retry-after"] == "1"
    exposition = app.metrics.exposition()[0].decode()
    (line,) = [line for line in exposition.splitlines() if line.startswith("service_rate_limit_store_failures_total{")]
    assert f'outcome="{when}"' in line
    assert line.endswith(" 3.0")


def test_services_share_limits_through_valkey(make_app: MakeApp, auth: Auth, valkey_url: str) -> None:
    """Two instances of a service let through what one would; another service on the same server counts for itself."""
    limits = (rule("per-caller", 3, "caller"),)
    one, two = (limited(make_app, *limits, valkey_url=valkey_url) for _ in range(2))
    other = limited(make_app, *limits, valkey_url=valkey_url, service_name="billing")
    with TestClient(one, headers=auth("viewer")) as first, TestClient(two, headers=auth("viewer")) as second:
        answers = [client.get("/orders/1").status_code for client in (first, second, first, second, first)]
    assert answers == [200, 200, 200, 429, 429]
    with TestClient(other, headers=auth("viewer")) as third:
        assert third.get("/orders/1").status_code == 200


def test_a_service_without_limits_has_no_layer_for_them(app: MaestroAPI) -> None:
    """What is not used is not there."""
    assert [str(layer.cls.__name__) for layer in app.user_middleware] == ["AuthGuard", "BodyLimit", "IdempotencyLayer"]  # type: ignore[attr-defined]


def test_a_trusted_proxy_tells_the_address(make_app: MakeApp, secret: str) -> None:
    """Behind a proxy that is named, its callers are told apart."""
    security = SecurityConfig(jwt_secret_key=secret, trusted_proxies=("10.0.0.0/8",))
    app = limited(make_app, rule("address", 1, "address"), security=security)
    proxy = TestClient(app, client=("10.0.0.1", 1))

    def ask(forwarded: str) -> int:
        return proxy.get("/about", headers={"X-Forwarded-For": forwarded}).status_code

    assert [ask("203.0.113.1"), ask("203.0.113.1"), ask("203.0.113.2"), ask("203.0.113.3, 10.1.1.1")] == [
        200,
        429,
        200,
        200,
    ]


def test_an_endpoint_learns_the_address(make_app: MakeApp, secret: str) -> None:
    """The address that is counted is the one that an endpoint gets."""
    app = make_app(security=SecurityConfig(jwt_secret_key=secret, trusted_proxies=("10.0.0.1",)))

    @app.get("/whence")
    @public
    async def whence(address: Annotated[str, Depends(client_address)]) -> str:
        return address

    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    assert TestClient(app, client=("10.0.0.1", 1)).get("/whence", headers=headers).json() == "203.0.113.9"
    assert TestClient(app, client=("10.0.0.2", 1)).get("/whence", headers=headers).json() == "10.0.0.2"
