import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends
from signing import CHEAP, as_user, audited, create, tokens
from starlette.testclient import TestClient

from governance_service.bootstrap import create_app
from governance_service.clock import system_clock
from governance_service.identity.token_keys import TokenKeys
from governance_service.testing import config_for
from maestro_core_api import (
    APIConfig,
    MaestroAPI,
    Principal,
    SecurityConfig,
    TrustedIssuer,
    current_principal,
    issue_token,
)
from maestro_core_api.testing import running


@pytest.fixture
def settings() -> dict[str, Any]:
    return CHEAP


def test_keys_are_replaced_at_once(client: TestClient) -> None:
    """After an emergency every access token is refused, sessions go on with the new key, and the trail knows."""
    create(client, "ada")
    given = tokens(client, "ada")
    before = client.get("/.well-known/jwks.json").json()["keys"]
    assert client.post("/auth/keys/replace").status_code == 204
    after = client.get("/.well-known/jwks.json").json()["keys"]
    assert {key["kid"] for key in before}.isdisjoint(key["kid"] for key in after)
    refused = client.get("/auth/me", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert refused.json()["rule"] == "token-signature"
    again = client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]}).json()
    assert client.get("/auth/me", headers={"Authorization": f"Bearer {again['access_token']}"}).status_code == 200
    assert audited(client)[0]["action"] == "token-keys.replace"
    for headers in (as_user(client, "ada"), {"Authorization": ""}):
        assert client.post("/auth/keys/replace", headers=headers).status_code in {401, 403}


def test_a_key_that_was_replaced_meanwhile_does_not_sign_again(tmp_path: Path) -> None:
    """Whoever reads the folder while all keys are replaced takes up what is there in the end."""
    keys = TokenKeys(config_for(tmp_path), clock=system_clock, changed=lambda _: None)
    keys.take_up()
    folder = keys._folder
    locked = folder.locked

    @contextmanager
    def and_then_replaced() -> Iterator[None]:
        with locked():
            yield
        folder.locked = locked  # type: ignore[method-assign]
        keys.replace_all()

    folder.locked = and_then_replaced  # type: ignore[method-assign,assignment]
    keys.take_up()
    assert [keys.signing().key_id] == [key["kid"] for key in keys.jwks()["keys"]]
    assert keys.signing().key_id in {key.key_id for key in folder.load()}


def test_what_is_published_is_public(client: TestClient) -> None:
    """The key set has no private part, and may be kept for a while."""
    answer = client.get("/.well-known/jwks.json", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert [set(key) for key in answer.json()["keys"]] == [{"kty", "crv", "x", "kid", "use", "alg"}]


@pytest.fixture
async def governance(tmp_path: Path) -> AsyncIterator[tuple[str, httpx2.AsyncClient]]:
    """The service on a socket, with keys that live for short, and a client of its admin's."""
    config = config_for(tmp_path, **CHEAP, token_key_announced_s=0)
    token = issue_token(config.jwt_secret or "", subject="test", roles=("admin",))
    async with (
        running(create_app(config)) as url,
        httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client,
    ):
        yield url, client


async def test_another_service_believes_by_the_published_keys(governance: tuple[str, httpx2.AsyncClient]) -> None:
    """A service that trusts the issuer by its address knows user, roles and tenant, and finds the keys that replace others."""
    url, client = governance
    issuer = TrustedIssuer(
        issuer="maestro-governance",
        jwks_url=f"{url}/.well-known/jwks.json",
        audience="maestro",
        tenant_claim="tenant",
        refetch_interval="PT0.001S",
    )
    other = MaestroAPI(APIConfig(title="Orders", service_name="orders", security=SecurityConfig(issuers=(issuer,))))

    @other.get("/me")
    async def me(caller: Annotated[Principal, Depends(current_principal)]) -> dict[str, Any]:
        return {"subject": caller.subject, "roles": sorted(caller.roles), "tenant": caller.tenant}

    made = {"name": "ada", "tenant": "acme", "roles": ["operator"], "password": "tangerine lamp on the fjord"}
    assert (await client.post("/users", json=made)).status_code == 201

    async def token() -> str:
        body = {"username": "ada", "password": made["password"]}
        answer = await client.post("/auth/token", json=body, headers={"Authorization": ""})
        return str(answer.json()["access_token"])

    async with running(other) as orders, httpx2.AsyncClient(base_url=orders, trust_env=False) as caller:
        first = await token()
        found = await caller.get("/me", headers={"Authorization": f"Bearer {first}"})
        assert found.json() == {"subject": "ada", "roles": ["operator"], "tenant": "acme"}
        assert (await client.post("/auth/keys/replace")).status_code == 204
        second = await token()
        deadline = time.monotonic() + 30
        while (await caller.get("/me", headers={"Authorization": f"Bearer {second}"})).status_code != 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
