import asyncio
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from signing import CHEAP, PASSWORD, as_user, audited, claims, create
from starlette.testclient import TestClient

from governance_service.bootstrap import create_app
from governance_service.testing import config_for
from maestro_core_api.testing import in_process_client


@pytest.fixture
def settings() -> dict[str, Any]:
    return {**CHEAP, "api_key_prefix": "gov"}


def made(client: TestClient, headers: dict[str, str] | None = None, **body: Any) -> Any:
    """The answer to an attempt to make a key."""
    return client.post("/api-keys", json={"title": "nightly job", **body}, headers=headers)


def with_key(key: str) -> dict[str, str]:
    return {"Authorization": "", "X-API-Key": key}


def me(client: TestClient, key: str) -> Any:
    client.headers.pop("Authorization", None)
    return client.get("/auth/me", headers={"X-API-Key": key})


def test_a_machine_calls_with_its_key(client: TestClient) -> None:
    """A key speaks for its machine with its roles, until it is revoked; it is shown once and kept as a hash."""
    admin = dict(client.headers)
    answer = made(client, machine="nightly", roles=["operator"], scopes=["orders:write"])
    assert answer.status_code == 201, answer.text
    key, key_id = answer.json()["api_key"], answer.json()["id"]
    assert key.startswith("gov_")
    found = me(client, key).json()
    assert (found["subject"], found["roles"], found["scopes"], found["api_key"]) == (
        "machine:nightly",
        ["operator"],
        ["orders:write"],
        key_id,
    )
    listed = client.get("/api-keys", headers={"Authorization": admin["authorization"]})
    assert key not in listed.text
    assert listed.json()["items"][0]["id"] == key_id
    assert client.delete(f"/api-keys/{key_id}", headers={"Authorization": admin["authorization"]}).status_code == 200
    refused = me(client, key)
    assert (refused.status_code, refused.json()["error_code"]) == (401, "API_KEY_REVOKED")


def test_a_key_is_exchanged_for_an_access_token(client: TestClient) -> None:
    """Services that know only tokens believe a machine that exchanged its key; there is no refresh token for it."""
    key = made(client, machine="nightly", roles=["viewer"]).json()["api_key"]
    client.headers.pop("Authorization")
    answer = client.post("/auth/token", json={"grant_type": "api_key"}, headers={"X-API-Key": key}).json()
    said = claims(answer["access_token"])
    assert (said["sub"], said["roles"], answer["refresh_token"]) == ("machine:nightly", ["viewer"], None)
    refused = client.post("/auth/token", json={"grant_type": "api_key"})
    assert refused.status_code == 401


def test_a_key_of_ones_own_does_no_more_than_oneself(client: TestClient) -> None:
    """It has roles that its owner has, loses those that the owner loses, and is refused while the owner is disabled."""
    admin = {"Authorization": client.headers["Authorization"]}
    create(client, "ada", "operator")
    ada = as_user(client, "ada")
    refused = made(client, ada, roles=["admin"])
    assert (refused.status_code, refused.json()["rule"]) == (403, "own-roles")
    assert made(client, ada, roles=[], scopes=["orders:write"]).json()["rule"] == "own-scopes"
    assert made(client, ada, machine="mine", roles=["viewer"]).status_code == 403
    answer = made(client, ada, roles=["operator", "viewer"]).json()
    assert answer["subject"] == "ada"
    assert me(client, answer["api_key"]).json()["roles"] == ["operator", "viewer"]
    client.put("/users/ada/roles", json={"roles": ["viewer"]}, headers=admin)
    client.app.authenticator.forget_api_key(answer["id"])  # as five seconds do
    assert me(client, answer["api_key"]).json()["roles"] == ["viewer"]
    client.post("/users/ada/disable", headers=admin)
    client.app.authenticator.forget_api_key(answer["id"])
    assert me(client, answer["api_key"]).json()["error_code"] == "API_KEY_REVOKED"


def test_a_key_makes_no_key(client: TestClient) -> None:
    """A stolen key cannot make another one that outlives it, nor can the token that it is exchanged for."""
    key = made(client, machine="root", roles=["admin"]).json()["api_key"]
    client.headers.pop("Authorization")
    token = client.post("/auth/token", json={"grant_type": "api_key"}, headers={"X-API-Key": key}).json()
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {token['access_token']}"}):
        answer = made(client, headers, machine="next", roles=["viewer"])
        assert (answer.status_code, answer.json()["rule"]) == (403, "no-key-from-key")


def test_a_token_for_a_key_ends_with_the_key(client: TestClient) -> None:
    """It is valid no longer than the key, and its id tells that it is of one."""
    admin = {"Authorization": client.headers.pop("Authorization")}
    answer = made(client, admin, machine="nightly", roles=["viewer"], expires_in_s=120).json()
    sent = {"json": {"grant_type": "api_key"}, "headers": {"X-API-Key": answer["api_key"]}}
    token = client.post("/auth/token", **sent).json()
    assert token["expires_in"] <= 120
    ends_at = datetime.fromisoformat(answer["expires_at"]).timestamp()
    said = claims(token["access_token"])
    assert said["exp"] <= ends_at
    assert said["jti"].startswith(f"key.{answer['id']}.")


def test_a_key_of_ones_own_loses_the_scopes_that_one_loses(client: TestClient) -> None:
    """A scope that no role of the owner gives any more is none of the key's, nor of the token that it is exchanged for."""
    admin = {"Authorization": client.headers["Authorization"]}
    for role in ("clerk", "buyer"):
        client.put(f"/roles/{role}", json={"description": role, "scopes": [f"{role}:write"]})
    create(client, "ada", "viewer", "clerk", "buyer")
    answer = made(client, as_user(client, "ada"), roles=["viewer"], scopes=["buyer:write", "clerk:write"]).json()
    assert me(client, answer["api_key"]).json()["scopes"] == ["buyer:write", "clerk:write"]
    client.put("/users/ada/roles", json={"roles": ["viewer", "buyer"]}, headers=admin)
    sent = {"json": {"grant_type": "api_key"}, "headers": {"X-API-Key": answer["api_key"]}}
    assert claims(client.post("/auth/token", **sent).json()["access_token"])["scope"] == "buyer:write"
    client.app.authenticator.forget_api_key(answer["id"])  # as five seconds do
    assert me(client, answer["api_key"]).json()["scopes"] == ["buyer:write"]
    client.put("/users/ada/roles", json={"roles": ["viewer"]}, headers=admin)
    client.app.authenticator.forget_api_key(answer["id"])
    assert me(client, answer["api_key"]).json()["scopes"] == []


def test_keys_are_seen_and_revoked_by_those_they_concern(client: TestClient) -> None:
    """Users see and revoke their own keys; those of others are not there for them."""
    create(client, "ada", "viewer")
    create(client, "bob", "viewer")
    admin = {"Authorization": client.headers["Authorization"]}
    ada, bob = as_user(client, "ada"), as_user(client, "bob")
    key_id = made(client, ada).json()["id"]
    assert client.get("/api-keys", headers=bob).json()["items"] == []
    assert client.delete(f"/api-keys/{key_id}", headers=bob).status_code == 404
    assert [key["id"] for key in client.get("/api-keys", headers=ada).json()["items"]] == [key_id]
    assert [key["id"] for key in client.get("/api-keys", headers=admin).json()["items"]] == [key_id]
    assert client.delete(f"/api-keys/{key_id}", headers=ada).status_code == 200
    assert client.delete(f"/api-keys/{key_id}", headers=ada).status_code == 200
    actions = [entry["action"] for entry in audited(client, resource=f"api-key:{key_id}")]
    assert actions == ["api-key.revoke", "api-key.create"]


@pytest.mark.parametrize(
    "body",
    [
        {"expires_in_s": 0},
        {"expires_in_s": 400 * 86_400},
        {"title": "a\nb"},
        {"title": ""},
        {"machine": "a:b"},
        {"machine": "x", "roles": ["emperor"]},
    ],
)
def test_a_key_that_breaks_the_rules_is_not_made(client: TestClient, body: dict[str, Any]) -> None:
    """A key ends within a year and says what it is for."""
    assert made(client, **{"machine": "x", **body}).status_code == 422


async def test_when_a_key_was_used_last_is_known(tmp_path: Path) -> None:
    """A use is written by the time that the service has stopped; an attempt with a wrong secret is none."""
    config = config_for(tmp_path, **CHEAP)

    def use() -> str:
        with in_process_client(create_app(config)) as client:
            answer = made(client, machine="nightly").json()
            key = answer["api_key"]
            client.headers.pop("Authorization")
            assert client.get("/auth/me", headers={"X-API-Key": key}).status_code == 200
            other = answer["id"]
        return str(other)

    key_id = await asyncio.to_thread(use)
    with sqlite3.connect(tmp_path / "governance-service.db") as database:
        rows = database.execute("SELECT id, last_used_at, hash FROM api_keys").fetchall()
    database.close()
    assert rows[0][0] == key_id
    assert rows[0][1] is not None
    assert rows[0][2].startswith("hmac-sha256:")
    assert PASSWORD not in str(rows)
