from typing import Any

import pytest
from signing import PASSWORD, as_user, create, tokens
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI
from maestro_core_api.testing import token_for

ENTRY = {"actor": "ada", "action": "workflow.start", "resource": "run:1"}
OPERATIONS: list[tuple[str, str, Any]] = [
    ("POST", "/users", {"name": "new", "roles": ["admin"], "password": PASSWORD}),
    ("GET", "/users", None),
    ("GET", "/users/root", None),
    ("PUT", "/users/root/roles", {"roles": []}),
    ("POST", "/users/root/disable", None),
    ("POST", "/users/root/enable", None),
    ("POST", "/users/root/password", None),
    ("PUT", "/roles/new", {"scopes": ["a"]}),
    ("DELETE", "/roles/new", None),
    ("POST", "/api-keys", {"title": "x", "machine": "x", "roles": ["admin"]}),
    ("POST", "/api-keys", {"title": "x", "roles": ["admin"]}),
    ("POST", "/auth/keys/replace", None),
    ("POST", "/audit/entries", ENTRY),
    ("GET", "/audit/entries", None),
    ("GET", "/audit/export", None),
    ("GET", "/audit/verification", None),
    ("GET", "/ops/config", None),
]


@pytest.mark.parametrize("roles", [[], ["viewer"], ["operator"], ["approver"], ["made-up"]], ids=str)
def test_nobody_below_an_admin_administers(client: TestClient, roles: list[str]) -> None:
    """Every privileged operation is refused to every lower role, and changes nothing."""
    client.put("/roles/made-up", json={"scopes": ["admin", "audit:write"]})
    create(client, "root", "admin")
    create(client, "ada", *roles)
    ada = as_user(client, "ada")
    before = client.get("/audit/entries", params={"limit": 1}).json()["items"][0]["position"]
    for method, path, body in OPERATIONS:
        answer = client.request(method, path, json=body, headers=ada)
        assert answer.status_code in {403, 404}, (method, path, answer.status_code, answer.text)
    after = client.get("/audit/entries", params={"limit": 1}).json()["items"][0]["position"]
    assert after == before
    for method, path, body in OPERATIONS:
        answer = client.request(method, path, json=body, headers={"Authorization": ""})
        assert answer.status_code == 401, (method, path)


def test_only_the_shared_key_speaks_for_services(client: TestClient) -> None:
    """Not even an admin among the users, nor a machine's key with every role, writes what a service says."""
    create(client, "root", "admin")
    key = client.post("/api-keys", json={"title": "x", "machine": "x", "roles": ["admin"]}).json()["api_key"]
    refused = client.post("/audit/entries", json=ENTRY, headers=as_user(client, "root"))
    assert (refused.status_code, refused.json()["rule"]) == (403, "service-token")
    client.headers.pop("Authorization")
    refused = client.post("/audit/entries", json=ENTRY, headers={"X-API-Key": key})
    assert (refused.status_code, refused.json()["rule"]) == (403, "service-token")


def test_a_service_speaks_for_itself_alone(app: MaestroAPI, client: TestClient) -> None:
    """The name of the service comes from its token; a field that says otherwise is refused."""
    orders = {"Authorization": f"Bearer {token_for(app, subject='orders', roles=['operator'])}"}
    assert client.post("/audit/entries", json=ENTRY, headers=orders).json()["service"] == "orders"
    claimed = client.post("/audit/entries", json={**ENTRY, "service": "governance-service"}, headers=orders)
    assert claimed.status_code == 422
    # The same id of two services is two entries: nobody takes another's id.
    mine = client.post("/audit/entries", json={**ENTRY, "id": "1"}, headers=orders)
    theirs = client.post("/audit/entries", json={**ENTRY, "id": "1", "actor": "bob"})
    assert (mine.status_code, theirs.status_code) == (201, 201)


class TestTenants:
    @pytest.fixture(autouse=True)
    def people(self, client: TestClient) -> None:
        create(client, "root", "admin")
        for tenant in ("acme", "globex"):
            create(client, f"boss@{tenant}", "tenant-admin", "viewer", tenant=tenant)
            create(client, f"worker@{tenant}", "viewer", tenant=tenant)

    def test_a_tenant_sees_itself_alone(self, client: TestClient) -> None:
        """Users, keys and audit entries of others are not there for an admin of a tenant."""
        boss = as_user(client, "boss@acme")
        other = as_user(client, "worker@globex")
        assert client.post("/api-keys", json={"title": "x"}, headers=other).status_code == 201
        found = [user["name"] for user in client.get("/users", headers=boss).json()["items"]]
        assert found == ["boss@acme", "worker@acme"]
        for tenant in ("globex", ""):
            listed = client.get("/users", params={"tenant": tenant}, headers=boss).json()["items"]
            assert [user["name"] for user in listed] == found
        assert client.get("/api-keys", headers=boss).json()["items"] == []
        assert client.get("/audit/entries", headers=boss).status_code == 403
        client.put("/users/boss@acme/roles", json={"roles": ["tenant-admin", "auditor", "viewer"]})
        auditor = as_user(client, "boss@acme")
        entries = client.get("/audit/entries", params={"tenant": "globex", "limit": 200}, headers=auditor).json()[
            "items"
        ]
        assert {entry["tenant"] for entry in entries} == {"acme"}

    @pytest.mark.parametrize("target", ["root", "worker@globex", "boss@globex", "not-there"])
    def test_a_tenant_changes_itself_alone(self, client: TestClient, target: str) -> None:
        """Users of others, of the platform and those that there are not get the same answer."""
        boss = as_user(client, "boss@acme")
        calls: list[tuple[str, str, Any]] = [
            ("GET", f"/users/{target}", None),
            ("PUT", f"/users/{target}/roles", {"roles": ["viewer"]}),
            ("POST", f"/users/{target}/disable", None),
            ("POST", f"/users/{target}/enable", None),
            ("POST", f"/users/{target}/password", None),
        ]
        for method, path, body in calls:
            answer = client.request(method, path, json=body, headers=boss)
            assert (answer.status_code, answer.json()["error_code"]) == (404, "UNKNOWN_IDENTITY"), (method, path)
        assert tokens(client, "worker@globex")

    @pytest.mark.parametrize(
        ("roles", "tenant"),
        [
            (["admin"], "acme"),
            (["admin"], None),
            (["viewer"], "globex"),
            (["clerk"], "acme"),
            (["viewer", "admin"], None),
        ],
    )
    def test_a_tenant_gives_no_more_than_a_tenant_has(
        self, client: TestClient, roles: list[str], tenant: str | None
    ) -> None:
        """An admin of a tenant makes neither an admin of the platform, nor anybody elsewhere, nor gives the platform's own roles."""
        client.put("/roles/clerk", json={"scopes": ["orders:write"]})
        boss = as_user(client, "boss@acme")
        made = {"name": "new", "roles": roles, "tenant": tenant, "password": PASSWORD}
        assert client.post("/users", json=made, headers=boss).status_code == 403
        key = {"title": "x", "machine": "new", "roles": roles, "tenant": tenant}
        assert client.post("/api-keys", json=key, headers=boss).status_code == 403
        if tenant is None or tenant == "acme":
            change = client.put("/users/worker@acme/roles", json={"roles": roles}, headers=boss)
            assert change.status_code == 403
            own = client.put("/users/boss@acme/roles", json={"roles": [*roles, "tenant-admin"]}, headers=boss)
            assert own.status_code == 403

    def test_a_tenant_gives_no_scopes_that_it_lacks(self, client: TestClient) -> None:
        """A machine's key of a tenant has no scope that its maker has not."""
        boss = as_user(client, "boss@acme")
        key = {"title": "x", "machine": "new", "roles": ["viewer"], "scopes": ["orders:write"]}
        refused = client.post("/api-keys", json=key, headers=boss)
        assert (refused.status_code, refused.json()["rule"]) == (403, "own-scopes")
        made = client.post("/api-keys", json={**key, "scopes": []}, headers=boss).json()
        assert made["tenant"] == "acme"

    def test_what_concerns_all_is_for_the_platform(self, client: TestClient) -> None:
        """Exports, verification, keys and roles are not for anybody of a tenant."""
        boss = as_user(client, "boss@acme")
        for method, path in (
            ("GET", "/audit/export"),
            ("GET", "/audit/verification"),
            ("POST", "/auth/keys/replace"),
            ("DELETE", "/roles/x"),
            ("GET", "/ops/config"),
        ):
            assert client.request(method, path, headers=boss).status_code == 403, path

    def test_a_worker_does_not_administer(self, client: TestClient) -> None:
        """Somebody of a tenant without its role sees themselves, and nobody else."""
        worker = as_user(client, "worker@acme")
        assert client.get("/users/worker@acme", headers=worker).status_code == 200
        assert client.get("/users/boss@acme", headers=worker).status_code == 404
        assert client.get("/users", headers=worker).status_code == 403
