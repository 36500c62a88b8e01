from typing import Any

import pytest
from signing import ANOTHER, CHEAP, PASSWORD, as_user, audited, create, sign_in, tokens
from starlette.testclient import TestClient


@pytest.fixture
def settings() -> dict[str, Any]:
    return {**CHEAP, "admin_name": "root", "admin_password": PASSWORD}


def test_the_admin_of_the_configuration_is_there(client: TestClient) -> None:
    """The first admin can sign in and do everything, and the trail knows who made them."""
    root = as_user(client, "root")
    assert client.get("/users", headers=root).json()["items"][0]["name"] == "root"
    (entry,) = audited(client, action="user.create")
    assert (entry["actor"], entry["details"]) == ("configuration", {"roles": ["admin"]})


def test_users_are_listed_in_pages(client: TestClient) -> None:
    """Users come by name, each once."""
    for name in ("eve", "ada", "bob"):
        create(client, name)
    first = client.get("/users", params={"limit": 2}).json()
    second = client.get("/users", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [user["name"] for user in first["items"] + second["items"]] == ["ada", "bob", "eve", "root"]
    assert "password_hash" not in first["items"][0]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "root"}, 409, "NAME_TAKEN"),
        ({"name": "ROOT "}, 409, "NAME_TAKEN"),
        ({"name": "a b"}, 422, "INVALID_IDENTITY"),
        ({"name": "machine:x"}, 422, "INVALID_IDENTITY"),
        ({"name": "\u0430da"}, 422, "INVALID_IDENTITY"),
        ({"name": "unknown"}, 422, "INVALID_IDENTITY"),
        ({"name": "ada", "password": "short"}, 422, "INVALID_IDENTITY"),
        ({"name": "ada", "roles": ["emperor"]}, 422, "INVALID_IDENTITY"),
        ({"name": "ada", "roles": ["tenant-admin"]}, 403, "NOT_GRANTABLE"),
        ({"name": "ada", "tenant": "acme", "roles": ["admin"]}, 403, "NOT_GRANTABLE"),
        ({"name": "ada", "tenant": "Acme Inc."}, 422, "INVALID_IDENTITY"),
        ({"name": "ada", "id": 7}, 422, "VALIDATION_FAILED"),
    ],
)
def test_a_user_that_breaks_the_rules_is_not_made(
    client: TestClient, body: dict[str, Any], status: int, code: str
) -> None:
    """The answer says which rule, and nobody is made."""
    before = len(audited(client))
    answer = client.post("/users", json={"password": PASSWORD, **body})
    assert (answer.status_code, answer.json()["error_code"]) == (status, code), answer.text
    assert PASSWORD not in answer.text
    assert len(audited(client)) == before


def test_roles_are_changed_and_sessions_follow(client: TestClient) -> None:
    """A role that is added comes with the next refresh; a role that is taken away ends the sessions that have it."""
    create(client, "ada", "viewer")
    given = tokens(client, "ada")
    assert client.put("/users/ada/roles", json={"roles": ["viewer", "operator"]}).status_code == 200
    more = client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]}).json()
    bearer = {"Authorization": f"Bearer {more['access_token']}"}
    assert client.get("/auth/me", headers=bearer).json()["roles"] == ["operator", "viewer"]
    client.put("/users/ada/roles", json={"roles": ["viewer"]})
    assert client.get("/auth/me", headers=bearer).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": more["refresh_token"]}).status_code == 401
    details = [entry["details"] for entry in audited(client, action="user.set-roles")]
    assert details[0] == {"before": ["operator", "viewer"], "roles": ["viewer"]}


def test_a_disabled_user_is_out_and_comes_back(client: TestClient) -> None:
    """Disabling ends sessions and refuses the password; enabling lets the user sign in again."""
    create(client, "ada")
    given = tokens(client, "ada")
    assert client.post("/users/ada/disable").json()["disabled_at"] is not None
    assert sign_in(client, "ada").status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]}).status_code == 401
    client.post("/users/ada/enable")
    assert sign_in(client, "ada").status_code == 200


def test_a_password_is_reset(client: TestClient) -> None:
    """The old password is worth nothing, sessions have ended, and the new one must be changed."""
    create(client, "ada")
    given = tokens(client, "ada")
    made = client.post("/users/ada/password").json()["password"]
    assert sign_in(client, "ada").status_code == 401
    assert sign_in(client, "ada", made).json()["error_code"] == "PASSWORD_CHANGE_REQUIRED"
    assert client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]}).status_code == 401
    chosen = client.post("/users/ada/password", json={"password": ANOTHER}).json()
    assert chosen["password"] is None
    assert made not in str(audited(client))


def test_the_platform_keeps_an_admin(client: TestClient) -> None:
    """The last admin can neither be disabled nor lose the role; with another one it goes."""
    for answer in (client.post("/users/root/disable"), client.put("/users/root/roles", json={"roles": []})):
        assert (answer.status_code, answer.json()["error_code"]) == (409, "LAST_ADMIN")
    create(client, "ada", "admin")
    assert client.post("/users/root/disable").status_code == 200
    assert client.put("/users/ada/roles", json={"roles": ["viewer"]}).status_code == 409
    assert client.post("/users/ada/disable").status_code == 409


def test_roles_give_scopes(client: TestClient) -> None:
    """A role of the platform's own making puts its scopes into tokens; it cannot go while somebody has it."""
    role = {"description": "Writes orders.", "scopes": ["orders:write", "orders:read"]}
    assert client.put("/roles/order-clerk", json=role).status_code == 201
    assert client.put("/roles/order-clerk", json=role).status_code == 200
    assert client.put("/roles/admin", json=role).status_code == 422
    assert client.put("/roles/other", json={"scopes": ["a b"]}).status_code == 422
    create(client, "ada", "order-clerk")
    assert tokens(client, "ada")["scope"] == "orders:read orders:write"
    refused = client.delete("/roles/order-clerk")
    assert (refused.status_code, refused.json()["rule"]) == (403, "role-in-use")
    client.put("/users/ada/roles", json={"roles": []})
    assert client.delete("/roles/order-clerk").status_code == 204
    assert client.delete("/roles/order-clerk").status_code == 404
    assert client.delete("/roles/admin").status_code == 403
    assert [role["name"] for role in client.get("/roles").json()["roles"]] == [
        "viewer",
        "operator",
        "approver",
        "admin",
        "tenant-admin",
        "auditor",
    ]
