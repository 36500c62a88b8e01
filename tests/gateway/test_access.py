"""Who gets through the gateway, and what everybody else is told."""

import json
import time
import warnings
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from edge_kit.edge import SECRET, Running, bearer, edge
from fastapi import Depends
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey, OKPKey
from pydantic import SecretStr

from maestro_core_api import (
    APIConfig,
    MaestroAPI,
    MemoryKeyStore,
    SecurityConfig,
    TrustedIssuer,
    issue_api_key,
    public,
    require_role,
    require_scope,
)
from maestro_core_api.testing import running

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = OKPKey.generate_key("Ed25519", {"kid": "one", "use": "sig", "alg": "EdDSA"})


def issuer_app() -> MaestroAPI:
    """Somebody else who issues tokens."""
    app = MaestroAPI(APIConfig(title="Issuer", service_name="issuer", environment="test"))

    @app.get("/keys")
    @public
    async def keys() -> dict[str, Any]:
        return {"keys": [KEY.as_dict(private=False)]}

    return app


def signed(claims: dict[str, Any], *, key: Any = None, alg: str = "EdDSA") -> dict[str, str]:
    key = key or KEY
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # the library prefers the name of RFC 9864, issuers do not yet
        token = jwt.encode({"alg": alg, "kid": "one"}, claims, key, algorithms=[alg])
    return {"Authorization": f"Bearer {token}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A gateway that trusts the platform and somebody else, in front of a shop."""
    folder: Path = tmp_path_factory.mktemp("access")
    async with running(issuer_app()) as issuer:
        others = [
            {"issuer": "https://id.example", "jwks_url": f"{issuer}/keys", "audiences": ["maestro"],
             "roles_claim": "realm_access.roles", "grantable_roles": ["viewer", "operator"]}
        ]  # fmt: skip
        async with edge(folder, GATEWAY_ISSUERS=json.dumps(others)) as site:
            store = MemoryKeyStore()
            also = TrustedIssuer(
                issuer="https://id.example",
                jwks={"keys": [KEY.as_dict(private=False)]},
                algorithms=("EdDSA",),
                audience="maestro",
                roles_claim="realm_access.roles",
            )
            security = SecurityConfig(jwt_secret_key=SecretStr(SECRET), issuers=(also,))
            app = MaestroAPI(site.app(security=security).config, key_store=store)

            @app.get("/orders/{number}", dependencies=[Depends(require_role("operator"))])
            async def order(number: int) -> int:
                return number

            @app.get("/files", dependencies=[Depends(require_scope("files:read", "files:list"))])
            async def files() -> str:
                return "files"

            @app.get("/about")
            @public
            async def about() -> str:
                return "us"

            await site.serve(app)
            site.gateway.environ["TEST_KEY"] = await _key(store)
            await site.reachable("/shop/about")
            yield site


async def _key(store: MemoryKeyStore) -> str:
    text, key = issue_api_key(subject="machine", roles=("operator",))
    await store.add(key)
    return text


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: Running) -> httpx2.AsyncClient:
    return await site.client()


async def test_a_denial_says_which_rule_applied(site: Running, client: httpx2.AsyncClient) -> None:
    """401 and 403 are problem documents with the rule, and with the trace by which the gateway's log line is found."""
    missing = await client.get("/shop/orders/1")
    assert (missing.status_code, missing.headers["content-type"]) == (401, "application/problem+json")
    assert missing.headers["www-authenticate"].startswith("Bearer")
    problem = missing.json()
    assert problem["rule"] == "bearer-token-present"
    assert problem["instance"] == "/shop/orders/1"
    assert len(problem["trace_id"]) == 32
    weak = (await client.get("/shop/orders/1", headers=bearer("viewer"))).json()
    assert (weak["status"], weak["error_code"], weak["rule"]) == (403, "ROLE_REQUIRED", "role:operator")
    assert weak["required_roles"] == ["operator", "approver", "admin"]


@pytest.mark.parametrize(
    ("headers", "rule", "code"),
    [
        (lambda: bearer(expires_in=timedelta(seconds=-60)), "token-not-expired", "TOKEN_EXPIRED"),
        (lambda: bearer(issuer="somebody"), "token-issuer", "TOKEN_INVALID"),
        (lambda: {"Authorization": "Bearer a.b.c"}, "token-signature", "TOKEN_INVALID"),
        (lambda: {"Authorization": "Basic YTpi"}, "bearer-token-present", "UNAUTHORIZED"),
        (
            lambda: signed({"iss": "maestro", "sub": "eve", "exp": 2**33}, alg="none"),
            "token-signature",
            "TOKEN_INVALID",
        ),
    ],
)
async def test_a_token_that_is_not_ours_is_refused(
    client: httpx2.AsyncClient, headers: Any, rule: str, code: str
) -> None:
    """Expired, foreign, damaged and unsigned tokens end at the gateway, each with its rule."""
    try:
        sent = headers()
    except Exception:  # noqa: BLE001 - no library signs with "none"; this is what such a token looks like
        sent = {
            "Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJtYWVzdHJvIiwic3ViIjoiZXZlIiwiZXhwIjo4NTg5OTM0NTkyfQ."
        }
    answer = await client.get("/shop/orders/1", headers=sent)
    assert (answer.status_code, answer.json()["rule"], answer.json()["error_code"]) == (401, rule, code)


async def test_a_token_without_an_end_is_refused(client: httpx2.AsyncClient) -> None:
    """A token of our own key that never ends would be good for ever."""
    headers = signed({"iss": "maestro", "sub": "eve", "roles": ["admin"]}, key=OctKey.import_key(SECRET), alg="HS256")
    assert (await client.get("/shop/orders/1", headers=headers)).status_code == 401


async def test_roles_and_scopes_open_routes(client: httpx2.AsyncClient) -> None:
    """A role that is enough, or all scopes, let a request through; one of two scopes does not."""
    assert (await client.get("/shop/orders/7", headers=bearer("admin"))).json() == 7
    assert (await client.get("/shop/files", headers=bearer(scopes=("files:read", "files:list", "x")))).json() == "files"
    partly = await client.get("/shop/files", headers=bearer(scopes=("files:read",)))
    assert (partly.status_code, partly.json()["rule"]) == (403, "scope:files:list files:read")
    assert (await client.get("/shop/about")).json() == "us"
    assert (await client.get("/shop/about", headers={"Authorization": "Bearer nonsense"})).status_code == 200


async def test_another_issuer_counts_as_far_as_it_is_trusted(site: Running, client: httpx2.AsyncClient) -> None:
    """Tokens with another issuer's key are checked by its key set; its roles count only where it may give them."""
    claims = {
        "iss": "https://id.example",
        "aud": "maestro",
        "sub": "grace",
        "exp": int(time.time()) + 600,
        "iat": int(time.time()),
    }

    async def with_roles(*roles: str, **more: Any) -> tuple[int, str | None]:
        headers = signed({**claims, "realm_access": {"roles": list(roles)}, **more})
        answer = await client.get("/shop/orders/1", headers=headers)
        return answer.status_code, answer.json().get("rule") if answer.status_code == 403 else None

    assert await with_roles("operator") == (200, None)
    assert await with_roles("admin") == (403, "role:operator")
    assert await with_roles("viewer") == (403, "role:operator")
    wrong = await client.get(
        "/shop/orders/1", headers=signed({**claims, "aud": "others", "realm_access": {"roles": ["operator"]}})
    )
    assert wrong.status_code == 401
    assert wrong.json()["rule"] == "token-audience"
    forged = signed({**claims, "realm_access": {"roles": ["operator"]}}, key=OKPKey.generate_key("Ed25519"))
    assert (await client.get("/shop/orders/1", headers=forged)).json()["rule"] == "token-signature"


async def test_an_api_key_is_left_to_the_service(site: Running, client: httpx2.AsyncClient) -> None:
    """A caller with a key passes the gateway; a false one is refused by the service."""
    key = site.gateway.environ["TEST_KEY"]
    assert (await client.get("/shop/orders/3", headers={"X-API-Key": key})).json() == 3
    false = await client.get("/shop/orders/3", headers={"X-API-Key": key[:-2] + "zz"})
    assert (false.status_code, false.json()["error_code"]) == (401, "API_KEY_INVALID")


async def test_hidden_paths_are_not_there(client: httpx2.AsyncClient) -> None:
    """Operations, metrics and health of a service do not exist at the edge, for admins either, nor do undeclared paths."""
    for path in ("/shop/ops/info", "/shop/metrics", "/shop/health/ready", "/shop/none", "/shop2/about", "/", "/shopx"):
        answer = await client.get(path, headers=bearer("admin"))
        assert (answer.status_code, answer.json()["rule"]) == (404, "route-declared"), path
