import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx2
import pytest
from signing import PASSWORD, as_user, claims, create, tokens
from starlette.testclient import TestClient

from governance_service.bootstrap import create_app
from governance_service.config import GovernanceServiceConfig
from governance_service.keys import SigningKey
from governance_service.testing import SECRET, FakeClock
from maestro_core_api import issue_token
from maestro_core_api.testing import running, token_for


def b64(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def forged(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    return f"{b64(header)}.{b64(body)}.{b64(signature)}"


@pytest.fixture
def real(client: TestClient) -> str:
    """A viewer's token."""
    create(client, "ada", "viewer")
    return str(tokens(client, "ada")["access_token"])


def refused(client: TestClient, token: str) -> str:
    """The rule that refuses a token."""
    answer = client.get("/users", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401, answer.text
    return str(answer.json()["rule"])


def test_claims_cannot_be_changed(client: TestClient, real: str) -> None:
    """A viewer who writes admin into the token is refused."""
    header, _, signature = real.split(".")
    body = {**claims(real), "roles": ["admin"]}
    assert refused(client, f"{header}.{b64(body)}.{signature}") == "token-signature"


def test_the_issuer_decides_on_keys_and_algorithms(client: TestClient, real: str) -> None:
    """No signature, the public key as a shared secret, a key of one's own, the platform's shared key: none of them makes a token of this issuer's."""
    body = {**claims(real), "roles": ["admin"]}
    (jwk,) = client.get("/.well-known/jwks.json").json()["keys"]
    assert refused(client, forged({"alg": "none"}, body)) in {"token-algorithm", "token-header", "token-format"}
    for secret in (
        jwk["x"].encode(),
        base64.urlsafe_b64decode(jwk["x"] + "="),
        json.dumps(jwk).encode(),
        SECRET.encode(),
    ):
        text = f"{b64({'alg': 'HS256', 'kid': jwk['kid']})}.{b64(body)}"
        signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
        assert refused(client, f"{text}.{b64(signature)}") == "token-algorithm"
    own = SigningKey.generated(FakeClock()())
    for header in ({"alg": "EdDSA", "kid": jwk["kid"]}, {"alg": "EdDSA", "jwk": own.jwk()}, {"alg": "EdDSA"}):
        text = f"{b64(header)}.{b64(body)}"
        assert refused(client, f"{text}.{own.sign(text.encode())}") in {"token-signature", "token-header"}


def test_a_shared_key_token_is_not_of_this_issuer(client: TestClient) -> None:
    """Who holds the platform's shared key cannot name this issuer with it."""
    token = issue_token(SECRET, subject="ada", roles=("admin",), issuer="maestro-governance", audience="maestro")
    assert refused(client, token) == "token-algorithm"


def test_tokens_for_others_and_other_tokens_are_refused(client: TestClient, real: str) -> None:
    """A refresh token is no access token, and an access token is no refresh token."""
    given = tokens(client, "ada")
    assert refused(client, given["refresh_token"]).startswith("token-")
    answer = client.post("/auth/refresh", json={"refresh_token": real})
    assert answer.status_code == 401


async def test_one_of_many_refreshes_at_once_goes_on(config: GovernanceServiceConfig) -> None:
    """Of twenty uses of one refresh token at the same time at most one gets tokens, and the session has ended, since somebody has a copy."""
    app = create_app(config)
    async with running(app) as url, httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as caller:
        admin = {"Authorization": f"Bearer {token_for(app)}"}
        await caller.post("/users", json={"name": "ada", "password": PASSWORD}, headers=admin)
        given = (await caller.post("/auth/token", json={"username": "ada", "password": PASSWORD})).json()
        body = {"refresh_token": given["refresh_token"]}
        answers = await asyncio.gather(*(caller.post("/auth/refresh", json=body) for _ in range(20)))
        won = [one.json() for one in answers if one.status_code == 200]
        assert len(won) == 1
        assert {one.status_code for one in answers} == {200, 401}
        after = await caller.post("/auth/refresh", json={"refresh_token": won[0]["refresh_token"]})
        assert after.status_code == 401
        bearer = {"Authorization": f"Bearer {won[0]['access_token']}"}
        assert (await caller.get("/auth/me", headers=bearer)).status_code == 401


def test_no_secret_is_logged_or_kept(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither passwords nor tokens appear in log lines, the audit trail, or answers to bad requests."""
    create(client, "ada")
    given = tokens(client, "ada")
    client.post("/auth/token", json={"username": "ada", "password": {"a": PASSWORD}})
    broken = client.post("/auth/token", json={"username": "ada", "password": PASSWORD, "extra": PASSWORD})
    client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]})
    trail = client.get("/audit/entries").text
    logged = capsys.readouterr()
    for secret in (PASSWORD, given["refresh_token"], given["access_token"]):
        assert secret not in logged.out + logged.err
        assert secret not in trail
        assert secret not in broken.text


def test_a_token_says_when_it_ends(client: TestClient, real: str) -> None:
    """A token of yesterday is refused, whoever signed it."""
    assert claims(real)["exp"] > time.time()
    assert as_user(client, "ada")
