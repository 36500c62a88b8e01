"""Whoever may not, cannot: every route, every role, every kind of token that is none."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from maestro_core_api import issue_token

Auth = Callable[..., dict[str, str]]
ENTRY = {"url": "http://127.0.0.1:8000", "version": "1.0.0"}
INSTANCE = "/services/echo/instances/a"
SEEN = {"observations": [{"caller": "a", "callee": "b", "calls": 1}]}
CALLS: list[tuple[str, str, Any, str]] = [
    ("GET", "/services", None, "viewer"),
    ("GET", "/services/central-registry", None, "viewer"),
    ("PUT", INSTANCE, ENTRY, "operator"),
    ("POST", f"{INSTANCE}/lease", None, "operator"),
    ("DELETE", INSTANCE, None, "operator"),
    ("GET", "/catalog", None, "viewer"),
    ("GET", "/catalog/central-registry", None, "viewer"),
    ("GET", "/catalog/central-registry/history", None, "viewer"),
    ("GET", "/catalog/central-registry/dependencies", None, "viewer"),
    ("GET", "/catalog/central-registry/observations", None, "viewer"),
    ("GET", "/catalog/central-registry/openapi", None, "viewer"),
    ("GET", "/catalog/central-registry/asyncapi", None, "viewer"),
    ("PUT", "/catalog/echo", {"version": "1"}, "operator"),
    ("POST", "/catalog/observations", SEEN, "operator"),
    ("DELETE", "/catalog/echo", None, "admin"),
    ("GET", "/catalog/central-registry/gateway", None, "viewer"),
    ("PUT", "/catalog/echo/gateway/1.0.0", {}, "operator"),
    ("DELETE", "/catalog/echo/gateway", None, "admin"),
    ("GET", "/gateway/snapshot", None, "viewer"),
    ("GET", "/gateway/findings", None, "viewer"),
    ("GET", "/gateway/nodes", None, "viewer"),
]
RANKS = ["viewer", "operator", "admin"]


@pytest.mark.parametrize(("method", "path", "body", "least"), CALLS, ids=lambda each: str(each)[:40])
def test_each_route_wants_its_role(
    client: TestClient, auth: Auth, method: str, path: str, body: Any, least: str
) -> None:
    """Lower roles, unknown ones and none at all are refused with the rule; the least role that may, may."""
    for role in RANKS[: RANKS.index(least)]:
        answer = client.request(method, path, json=body, headers=auth(role))
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    for headers in (auth(), auth("root"), auth("Admin"), auth("admin ")):
        assert client.request(method, path, json=body, headers=headers).status_code == 403
    assert client.request(method, path, json=body).status_code == 401
    allowed = client.request(method, path, json=body, headers=auth(least))
    assert allowed.status_code in {200, 201, 202, 204, 404}
    assert allowed.status_code != 404 or "lease" in path


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [(m, p, b) for m, p, b, _ in CALLS if m != "GET" or p.startswith("/gateway")],
    ids=lambda each: str(each)[:40],
)
def test_a_tenant_changes_nothing_for_the_others(
    client: TestClient, auth: Auth, method: str, path: str, body: Any
) -> None:
    """A tenant's own admin neither says where a service runs or what it is, nor sees the edge of all of them."""
    known = client.get("/services", headers=auth("viewer")).json()
    answer = client.request(method, path, json=body, headers=auth("admin", tenant="acme"))
    assert (answer.status_code, answer.json()["rule"]) == (403, "no-tenant")
    assert len(client.get("/services", headers=auth("viewer")).json()["services"]) == len(known["services"])


def test_a_tenant_looks_up(client: TestClient, auth: Auth) -> None:
    """Whoever calls with the token of a tenant's caller still finds services, and reads what they are."""
    for path in ("/services", "/services/central-registry", "/catalog", "/catalog/central-registry"):
        assert client.get(path, headers=auth("viewer", tenant="acme")).status_code == 200


@pytest.mark.parametrize("path", ["/services/watch", "/ops/info", "/docs", "/openapi.json", "/ops/config"])
def test_nothing_else_is_open(client: TestClient, auth: Auth, path: str) -> None:
    """Streams, operations and documents want a token, too; operations want an admin."""
    assert client.get(path).status_code == 401
    if path.startswith("/ops"):
        assert client.get(path, headers=auth("operator")).status_code == 403


def test_every_route_is_looked_at(client: TestClient, auth: Auth) -> None:
    """No route of the service is missing above."""
    shown = client.get("/catalog/central-registry/openapi", headers=auth("viewer")).json()["paths"]
    declared = {
        (method.upper(), path)
        for path, operations in shown.items()
        for method in operations
        if path.startswith(("/services", "/catalog", "/gateway"))
    }
    looked_at = {(method, _pattern(path)) for method, path, _, _ in CALLS} | {("GET", "/services/watch")}
    assert declared == looked_at


def _pattern(path: str) -> str:
    parts = path.split("/")
    if len(parts) > 2 and parts[1] != "gateway" and parts[2] != "observations":
        parts[2] = "{name}"
    if len(parts) > 4:
        parts[4] = "{version}" if parts[3] == "gateway" else "{instance_id}"
    return "/".join(parts)


@pytest.mark.parametrize(
    "claims",
    [
        {"roles": "admin"},
        {"roles": {"admin": True}},
        {"scope": "admin operator"},
        {"role": "admin"},
        {"tenant": "other", "roles": []},
    ],
)
def test_claims_that_look_like_a_role_are_none(client: TestClient, claims: dict[str, Any]) -> None:
    """A role in another place or of another shape opens nothing that changes anything."""
    token = issue_token("a-secret-for-tests-of-at-least-32-bytes", subject="eve", roles=("viewer",))
    head, body, _ = token.split(".")
    padded = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps({**padded, **claims}).encode()).rstrip(b"=").decode()
    for signature in ("", token.rpartition(".")[2], "AAAA"):
        headers = {"Authorization": f"Bearer {head}.{forged}.{signature}"}
        assert client.put(INSTANCE, json=ENTRY, headers=headers).status_code == 401


def test_tokens_of_another_key_or_of_yesterday_are_refused(client: TestClient, auth: Auth) -> None:
    """A token signed by somebody else, unsigned or expired is no token."""
    from datetime import timedelta

    stranger = issue_token("another-secret-of-at-least-32-bytes!", subject="eve", roles=("admin",))
    old = issue_token(
        "a-secret-for-tests-of-at-least-32-bytes", subject="eve", roles=("admin",), expires_in=timedelta(seconds=-3_600)
    )
    nobody = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    unsigned = f"{nobody}.{stranger.split('.')[1]}."
    for token in (stranger, old, unsigned, "", "a.b.c", "null"):
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.put(INSTANCE, json=ENTRY, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (401, 401)
    assert client.get("/services/echo", headers=auth("viewer")).status_code == 404
