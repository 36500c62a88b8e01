import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import pytest
import time_machine
from fastapi import APIRouter, Depends, WebSocket
from joserfc import jwt
from joserfc.jwk import OctKey
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from maestro_core_api import MaestroAPI, Principal, SecurityConfig, current_principal, issue_token, public, require_role

Auth = Callable[..., dict[str, str]]
MakeApp = Callable[..., MaestroAPI]


@pytest.fixture
def app(app: MaestroAPI) -> MaestroAPI:
    """An application with one protected, one public and one operators' endpoint."""

    @app.get("/me")
    async def me(principal: Annotated[Principal, Depends(current_principal)]) -> dict[str, Any]:
        return {"subject": principal.subject, "roles": sorted(principal.roles), "scopes": sorted(principal.scopes)}

    @app.get("/about")
    @public
    async def about() -> dict[str, str]:
        return {"about": "orders"}

    @app.post("/operate", dependencies=[Depends(require_role("operator"))])
    async def operate() -> dict[str, bool]:
        return {"done": True}

    return app


def denial(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a denial with a code and a rule, and return it."""
    assert (response.status_code, response.json().get("error_code")) == (status, code)
    document: dict[str, Any] = response.json()
    assert document["rule"]
    if status == 401:
        assert response.headers["www-authenticate"].startswith('Bearer realm="orders"')
    return document


def test_a_valid_token_tells_who_calls(anonymous: TestClient, auth: Auth) -> None:
    """The endpoint learns subject, roles and scopes of the token."""
    response = anonymous.get("/me", headers=auth("viewer", "auditor", scopes=["a", "b"]))
    assert response.json() == {"subject": "ada", "roles": ["auditor", "viewer"], "scopes": ["a", "b"]}


@pytest.mark.parametrize("path", ["/me", "/nowhere", "/mounted/x", "/plain"])
def test_everything_wants_a_token(app: MaestroAPI, anonymous: TestClient, path: str) -> None:
    """Endpoints, unknown paths, mounted applications and plain routes are all closed to callers without a token."""
    app.mount("/mounted", PlainTextResponse("mounted"))
    app.add_route("/plain", lambda request: PlainTextResponse("plain"))
    denial(anonymous.get(path), 401, "AUTH_REQUIRED")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/about"])
def test_health_metrics_and_public_endpoints_are_open(anonymous: TestClient, path: str) -> None:
    """Health, metrics and endpoints marked public need no token."""
    assert anonymous.get(path).status_code == 200


def test_a_public_endpoint_ignores_a_bad_token(anonymous: TestClient) -> None:
    """A public endpoint answers even when the token is no good."""
    assert anonymous.get("/about", headers={"Authorization": "Bearer nonsense"}).status_code == 200


def test_public_goes_by_the_route_that_is_taken(app: MaestroAPI, anonymous: TestClient) -> None:
    """A protected route in front of a public one of the same shape stays protected."""

    @app.get("/items/{item}")
    async def item(item: str) -> str:
        return item

    @app.get("/items/open")
    @public
    async def opened() -> str:
        return "open"

    denial(anonymous.get("/items/open"), 401, "AUTH_REQUIRED")


def test_public_is_by_method(app: MaestroAPI, anonymous: TestClient) -> None:
    """Opening GET leaves POST on the same path closed."""

    @app.get("/orders")
    @public
    async def orders() -> str:
        return "orders"

    @app.post("/orders")
    async def create() -> None: ...

    assert anonymous.get("/orders").status_code == 200
    denial(anonymous.post("/orders"), 401, "AUTH_REQUIRED")
    assert anonymous.delete("/about").status_code == 405


def test_public_works_in_included_routers(app: MaestroAPI, anonymous: TestClient) -> None:
    """Endpoints of nested routers can be public; their neighbours are not."""
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")

    @inner.get("/open/{name}")
    @public
    async def opened(name: str) -> str:
        return name

    @inner.get("/closed")
    async def closed() -> None: ...

    outer.include_router(inner)
    app.include_router(outer)
    assert anonymous.get("/outer/inner/open/x").json() == "x"
    denial(anonymous.get("/outer/inner/closed"), 401, "AUTH_REQUIRED")


def test_the_caller_is_refused_before_the_body_is_read(app: MaestroAPI, anonymous: TestClient) -> None:
    """Without a token, an invalid body is not even looked at."""

    @app.post("/orders")
    async def create(data: dict[str, int]) -> None: ...

    denial(anonymous.post("/orders", content="not json"), 401, "AUTH_REQUIRED")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "token"])
def test_other_schemes_are_refused_with_advice(anonymous: TestClient, header: str) -> None:
    """An Authorization header without a bearer token is told what to send."""
    document = denial(anonymous.get("/me", headers={"Authorization": header}), 401, "AUTH_REQUIRED")
    assert "Bearer <token>" in document["detail"]


def encoded(part: dict[str, Any]) -> str:
    """Encode one part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged(secret: str, kind: str) -> str:
    """Make a token that must not be accepted."""
    good = issue_token(secret, subject="ada", roles=["admin"])
    head, body, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    key = OctKey.import_key(secret)
    if kind in ("iat", "sub", "exp", "iss"):
        return jwt.encode({"alg": "HS256"}, {k: v for k, v in claims.items() if k != kind}, key)
    tokens: dict[str, Callable[[], str]] = {
        "none": lambda: f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "none with signature": lambda: f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{body}.{signature}",
        "other algorithm": lambda: jwt.encode({"alg": "HS512"}, claims, key, algorithms=["HS512"]),
        "other key": lambda: issue_token("another-secret-of-at-least-32-bytes!", subject="ada", roles=["admin"]),
        "changed claims": lambda: f"{head}.{encoded(claims | {'sub': 'eve'})}.{signature}",
        "other issuer": lambda: issue_token(secret, subject="ada", issuer="somebody"),
        "issued in the future": lambda: jwt.encode({"alg": "HS256"}, claims | {"iat": claims["iat"] + 3600}, key),
        "roles as text": lambda: jwt.encode({"alg": "HS256"}, claims | {"roles": "admin"}, key),
        "scope as list": lambda: jwt.encode({"alg": "HS256"}, claims | {"scope": ["a"]}, key),
        "subject as number": lambda: jwt.encode({"alg": "HS256"}, claims | {"sub": 7}, key),
        "not a token": lambda: "abc.def.ghi",
        "not ascii": lambda: "é.é.é",
    }
    return tokens[kind]()


@pytest.mark.parametrize(
    "kind",
    [
        "none", "none with signature", "other algorithm", "other key", "changed claims", "other issuer", "sub", "exp",
        "iat", "iss", "issued in the future", "roles as text", "scope as list", "subject as number", "not a token",
        "not ascii",
    ],
)  # fmt: skip
def test_forged_and_broken_tokens_are_refused(anonymous: TestClient, secret: str, kind: str) -> None:
    """A token that is not exactly ours is refused as TOKEN_INVALID, and the challenge says so (RFC 6750)."""
    header = {b"authorization": f"Bearer {forged(secret, kind)}".encode("latin-1")}
    response = anonymous.get("/me", headers=header)
    denial(response, 401, "TOKEN_INVALID")
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_an_expired_token_is_named_as_such(anonymous: TestClient, auth: Auth) -> None:
    """A token is accepted within the leeway after its end, and refused as TOKEN_EXPIRED later, even when seen before."""
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        headers = auth("viewer", expires_in=timedelta(minutes=1))
        assert anonymous.get("/me", headers=headers).status_code == 200
        clock.shift(timedelta(seconds=89))
        assert anonymous.get("/me", headers=headers).status_code == 200
        clock.shift(timedelta(seconds=2))
        document = denial(anonymous.get("/me", headers=headers), 401, "TOKEN_EXPIRED")
        assert document["expired_at"] == 1_800_000_060


def test_an_audience_is_required_when_configured(make_app: MakeApp, secret: str, auth: Auth) -> None:
    """With an audience configured, only tokens for it are accepted."""
    app = make_app(security=SecurityConfig(jwt_secret_key=secret, audience="orders"))

    @app.get("/me")
    async def me() -> None: ...

    client = TestClient(app)
    assert client.get("/me", headers=auth("viewer", audience="orders")).status_code == 200
    denial(client.get("/me", headers=auth("viewer", audience="billing")), 401, "TOKEN_INVALID")
    denial(client.get("/me", headers=auth("viewer")), 401, "TOKEN_INVALID")


def test_a_key_can_be_replaced(make_app: MakeApp, secret: str, auth: Auth) -> None:
    """Tokens signed with the key before are accepted while it is named as such, and no longer."""
    new = "a-new-secret-for-tests-of-at-least-32-bytes"
    during = TestClient(make_app(security=SecurityConfig(jwt_secret_key=new, previous_jwt_secret_keys=(secret,))))
    after = TestClient(make_app(security=SecurityConfig(jwt_secret_key=new)))
    fresh = {"Authorization": f"Bearer {issue_token(new, subject='ada')}"}
    assert [client.get("/nowhere", headers=fresh).status_code for client in (during, after)] == [404, 404]
    assert during.get("/nowhere", headers=auth("viewer")).status_code == 404
    denial(after.get("/nowhere", headers=auth("viewer")), 401, "TOKEN_INVALID")


def test_without_a_key_nothing_is_let_through(make_app: MakeApp, auth: Auth) -> None:
    """Without a jwt_secret every protected call is refused and told which variable to set."""
    app = make_app(security=SecurityConfig())
    client = TestClient(app)
    document = denial(client.get("/me", headers=auth("admin")), 401, "AUTH_NOT_CONFIGURED")
    assert "ORDERS_JWT_SECRET" in document["detail"]
    assert "MAESTRO_JWT_SECRET" in document["detail"]
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        ([], False),
        (["viewer"], False),
        (["auditor"], False),
        (["operator"], True),
        (["approver"], True),
        (["admin"], True),
    ],
)
def test_a_higher_role_includes_the_lower_ones(
    anonymous: TestClient, auth: Auth, roles: list[str], allowed: bool
) -> None:
    """Operators' endpoints let operators, approvers and admins through, and tell others what they need."""
    response = anonymous.post("/operate", headers=auth(*roles))
    if allowed:
        assert response.json() == {"done": True}
        return
    document = denial(response, 403, "ROLE_REQUIRED")
    assert document["rule"] == "role:operator"
    assert document["required_roles"] == ["operator", "approver", "admin"]
    assert "ada" in document["detail"]


@pytest.mark.parametrize(("roles", "status"), [(["auditor"], 200), (["admin"], 200), (["approver"], 403)])
def test_roles_of_one_s_own_can_be_required(
    app: MaestroAPI, anonymous: TestClient, auth: Auth, roles: list[str], status: int
) -> None:
    """A role outside of the platform's order must be named by the token; admin includes it."""

    @app.get("/audit")
    async def audit(principal: Annotated[Principal, Depends(require_role("auditor"))]) -> str:
        return principal.subject

    assert anonymous.get("/audit", headers=auth(*roles)).status_code == status


def test_a_public_endpoint_may_still_ask_who_calls(app: MaestroAPI, anonymous: TestClient, auth: Auth) -> None:
    """current_principal on a public endpoint answers 401 to anonymous callers and works for the others."""

    @app.get("/maybe")
    @public
    async def maybe(principal: Annotated[Principal, Depends(current_principal)]) -> str:
        return principal.subject

    assert anonymous.get("/maybe").status_code == 401
    assert anonymous.get("/maybe", headers=auth("viewer")).json() == "ada"


def test_websockets_want_a_token_too(app: MaestroAPI, anonymous: TestClient, auth: Auth) -> None:
    """A WebSocket is refused without a token and opened with one."""

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    with pytest.raises(WebSocketDisconnect) as refused, anonymous.websocket_connect("/live"):
        pass
    assert refused.value.code == 1008
    with anonymous.websocket_connect("/live", headers=auth("viewer")) as socket:
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize(("environment", "status"), [("development", 200), ("production", 401)])
@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_docs_are_open_in_development_only(make_app: MakeApp, environment: str, status: int, path: str) -> None:
    """The API's description needs a token everywhere but in development."""
    assert TestClient(make_app(environment=environment)).get(path).status_code == status


async def test_a_caller_cannot_fill_the_memory_with_tokens(app: MaestroAPI, secret: str) -> None:
    """However many tokens are seen, only a bounded number is remembered."""
    for number in range(1_100):
        token = issue_token(secret, subject=str(number)).encode()
        await app.authenticator.authenticate([(b"authorization", b"Bearer " + token)])
    assert 0 < len(app.authenticator._remembered) <= 1_024
