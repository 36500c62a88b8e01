"""Callers who would like to be somebody else, so that a limit does not find them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI, RateLimit, RateLimitConfig, SecurityConfig, public
from maestro_core_api._client_address import ClientAddresses, address_group

MakeApp = Callable[..., MaestroAPI]


def limited(make_app: MakeApp, secret: str, *proxies: str) -> MaestroAPI:
    """A service that answers each address twice an hour."""
    app = make_app(
        security=SecurityConfig(jwt_secret_key=secret, trusted_proxies=proxies),
        rate_limits=RateLimitConfig(
            limits=(RateLimit(rule="per-address", limit=2, period=timedelta(hours=1), by=("address",)),)
        ),
    )

    @app.get("/about")
    @public
    async def about() -> str:
        return "orders"

    return app


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "Client-IP"],
)
def test_a_made_up_address_is_not_believed(make_app: MakeApp, secret: str, header: str) -> None:
    """Without a trusted proxy no header changes the address."""
    client = TestClient(limited(make_app, secret), client=("203.0.113.9", 1))
    answers = [client.get("/about", headers={header: f"198.51.100.{n}"}).status_code for n in range(4)]
    assert answers == [200, 200, 429, 429]


def test_a_caller_cannot_speak_for_the_proxy(make_app: MakeApp, secret: str) -> None:
    """Behind a trusted proxy, what the caller wrote in front of the proxy's own entry changes nothing."""
    client = TestClient(limited(make_app, secret, "10.0.0.1"), client=("10.0.0.1", 1))
    answers = []
    for made_up in ("1.1.1.1", "2.2.2.2", "10.0.0.1", "junk"):
        answers.append(client.get("/about", headers={"X-Forwarded-For": f"{made_up}, 203.0.113.9"}).status_code)
        lines = [("X-Forwarded-For", made_up), ("X-Forwarded-For", "203.0.113.9")]
        answers.append(client.get("/about", headers=lines).status_code)
    assert answers == [200, 200, 429, 429, 429, 429, 429, 429]


def test_a_caller_past_the_proxy_is_not_believed(make_app: MakeApp, secret: str) -> None:
    """Whoever reaches the service directly is counted by the own address, whatever it writes."""
    client = TestClient(limited(make_app, secret, "10.0.0.1"), client=("203.0.113.9", 1))
    answers = [client.get("/about", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(4)]
    assert answers == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("", "10.0.0.1"),
        (",,,", "10.0.0.1"),
        ("203.0.113.9, unknown", "10.0.0.1"),
        ("203.0.113.9, 0x7f.1", "10.0.0.1"),
        ("203.0.113.9, <script>", "10.0.0.1"),
        ("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("\u0661\u0662\u0667.\u0660.\u0660.\u0661", "10.0.0.1"),
    ],
)
def test_forwarded_addresses_are_read_from_the_end(forwarded: str, expected: str) -> None:
    """Each spelling of an address is one address; behind what cannot be read nothing is believed."""
    scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert ClientAddresses(("10.0.0.0/8",)).find(scope) == expected


def test_one_site_is_one_caller() -> None:
    """Somebody with an IPv6 network of its own does not have 2^64 limits."""
    assert address_group("2001:db8::1") == address_group("2001:db8::ffff:1") == "2001:db8::/64"
    assert address_group("2001:db8:0:1::1") != address_group("2001:db8::1")
    assert address_group("203.0.113.9") == "203.0.113.9"


def test_a_socket_without_addresses_is_one_caller() -> None:
    """On a Unix socket nobody is told apart, rather than nobody counted."""
    assert ClientAddresses().find({"client": None, "headers": []}) == "unknown"


def test_spellings_of_a_path_are_one_route(make_app: MakeApp, secret: str) -> None:
    """A limit by route is not slipped by another spelling of the path."""
    app = make_app(
        rate_limits=RateLimitConfig(
            limits=(RateLimit(rule="per-route", limit=2, period=timedelta(hours=1), by=("address", "route")),)
        )
    )

    @app.get("/orders/{number}")
    @public
    async def order(number: str) -> str:
        return number

    client = TestClient(app)
    answers = [client.get(path).status_code for path in ("/orders/a", "/orders/%61", "/orders/a?x=1", "/orders/b")]
    assert answers == [200, 200, 429, 429]
