from typing import Any

import pytest
from signing import PASSWORD, create, sign_in
from starlette.testclient import TestClient

ODD = [
    "' OR '1'='1",
    "ada'--",
    "ada\u0000",
    "../../etc/passwd",
    "%",
    "_",
    "\u202eada",
    "a" * 5_000,
    "${jndi:x}",
    "ada\r\nX-A: b",
]


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_are_texts(client: TestClient, text: str) -> None:
    """What looks like SQL, a path, a pattern or a header is a text that finds nothing, wherever it is put."""
    create(client, "ada", "viewer")
    answers: list[Any] = [
        sign_in(client, text, PASSWORD),
        sign_in(client, "ada", text),
        client.post("/auth/refresh", json={"refresh_token": text}),
        client.get("/audit/entries", params={"actor": text, "action": text + "*", "trace_id": text}),
        client.get("/users", params={"cursor": text}),
        client.get("/users", params={"tenant": text}),
        client.put("/roles/clerk", json={"description": text}),
        client.post("/users", json={"name": text, "password": PASSWORD}),
        client.post("/audit/entries", json={"actor": text, "action": "a.b", "resource": text, "details": {text: text}}),
        client.get("/auth/oidc/login", params={"provider": text}),
        client.get("/auth/oidc/callback", params={"state": text, "code": text}),
    ]
    assert all(answer.status_code < 500 for answer in answers), [answer.text for answer in answers]
    assert answers[0].status_code in {401, 422}
    found = answers[3]
    assert found.status_code == 422 or found.json()["items"] == []


def test_what_is_too_large_is_refused(client: TestClient) -> None:
    """Bodies, passwords and lists beyond their bounds are refused before anything is hashed or kept."""
    assert client.post("/auth/token", content=b"x" * 2_000_000).status_code == 413
    assert sign_in(client, "ada", "x" * 2_000).status_code == 422
    assert client.post("/users", json={"name": "ada", "roles": ["viewer"] * 100}).status_code == 422
    assert client.get("/audit/entries", params={"limit": 100_000}).status_code == 422
    deep: Any = 0
    for _ in range(200):
        deep = [deep]
    entry = {"actor": "a", "action": "a.b", "resource": "c", "details": {"deep": deep}}
    assert client.post("/audit/entries", json=entry).status_code == 422


def test_a_patterns_signs_are_only_signs(client: TestClient) -> None:
    """`%` and `_` in an action that is searched for find themselves, not everything."""
    client.post("/audit/entries", json={"actor": "a", "action": "user.create", "resource": "c"})
    for action in ("%*", "_ser*", "user%"):
        assert client.get("/audit/entries", params={"action": action}).json()["items"] == []
    assert len(client.get("/audit/entries", params={"action": "user.*"}).json()["items"]) == 1
