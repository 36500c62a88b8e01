"""People and how they sign in, for tests."""

import base64
import json
from typing import Any

from starlette.testclient import TestClient

PASSWORD = "tangerine lamp on the fjord"
ANOTHER = "a walrus with seven blue hats"
CHEAP: dict[str, Any] = {
    "password_hash_memory_kib": 64,
    "password_hash_rounds": 1,
    "password_hash_threads": 1,
    "sign_in_limit_per_minute": 100_000,
}
"""Settings with which a hash costs nearly nothing."""


def create(client: TestClient, name: str, *roles: str, tenant: str | None = None, password: str = PASSWORD) -> None:
    """Make a user, as whoever the client is."""
    answer = client.post("/users", json={"name": name, "roles": list(roles), "tenant": tenant, "password": password})
    assert answer.status_code == 201, answer.text


def sign_in(client: TestClient, name: str, password: str = PASSWORD) -> Any:
    """The answer to an attempt to sign in, by nobody in particular."""
    return client.post("/auth/token", json={"username": name, "password": password}, headers={"Authorization": ""})


def tokens(client: TestClient, name: str, password: str = PASSWORD) -> dict[str, Any]:
    """The tokens of a user who signs in."""
    answer = sign_in(client, name, password)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def as_user(client: TestClient, name: str, password: str = PASSWORD) -> dict[str, str]:
    """Headers of a user who has signed in."""
    return {"Authorization": f"Bearer {tokens(client, name, password)['access_token']}"}


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def audited(client: TestClient, **wanted: str) -> list[dict[str, Any]]:
    """The entries of the audit trail, the newest first."""
    found: list[dict[str, Any]] = client.get("/audit/entries", params=wanted).json()["items"]
    return found
