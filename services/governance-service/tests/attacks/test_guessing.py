import asyncio
from typing import Any

import httpx2
import pytest
from signing import ANOTHER, CHEAP, PASSWORD, create
from starlette.testclient import TestClient

from governance_service.bootstrap import create_app
from governance_service.config import GovernanceServiceConfig
from governance_service.identity.hashing import PasswordHashes
from maestro_core_api.testing import running, token_for


def attempt(client: TestClient, name: str, password: str, address: str) -> Any:
    headers = {"Authorization": "", "X-Forwarded-For": address}
    return client.post("/auth/token", json={"username": name, "password": password}, headers=headers)


def test_guesses_are_slowed_down(client: TestClient) -> None:
    """After five wrong guesses the next one is not looked at, be it right; the answer says how long to wait."""
    create(client, "ada")
    codes = [attempt(client, "ada", f"{ANOTHER} {number}", "198.51.100.7").status_code for number in range(5)]
    assert codes == [401] * 5
    refused = attempt(client, "ada", PASSWORD, "198.51.100.7")
    assert (refused.status_code, refused.json()["rule"]) == (429, "sign-in-pauses")
    assert int(refused.headers["Retry-After"]) == refused.json()["retry_after"] == 1


def test_names_that_nobody_has_are_slowed_down_alike(client: TestClient) -> None:
    """Pauses tell nobody which names there are."""
    create(client, "ada")
    for name in ("ada", "nobody"):
        answers = [attempt(client, name, ANOTHER, "198.51.100.7") for _ in range(7)]
        assert [one.status_code for one in answers] == [401] * 5 + [429] * 2


def test_nobody_is_locked_out_by_others(client: TestClient) -> None:
    """While a thousand addresses guess, the user signs in at the first attempt, from an address of their own, known or not."""
    create(client, "ada")
    assert attempt(client, "ada", PASSWORD, "203.0.113.1").status_code == 200
    for number in range(40):
        for _ in range(2):
            attempt(client, "ada", ANOTHER, f"198.51.100.{number}")
    slowed = attempt(client, "ada", ANOTHER, "198.51.100.3")
    assert slowed.status_code == 429
    assert slowed.json()["retry_after"] <= 60
    assert attempt(client, "ada", PASSWORD, "203.0.113.1").status_code == 200
    assert attempt(client, "ada", PASSWORD, "203.0.113.2").status_code == 200


def test_one_password_tried_on_everybody_is_slowed_down(client: TestClient) -> None:
    """An address that tries one password on many names is slowed down as a whole; its IPv6 network is one address."""
    codes = [attempt(client, f"user-{number}", ANOTHER, f"2001:db8::{number:x}").status_code for number in range(1, 60)]
    assert codes[:50] == [401] * 50
    assert 429 in codes[50:]


def test_a_forged_address_helps_nobody(client: TestClient) -> None:
    """What a caller writes into X-Forwarded-For in front of the proxy's own entry is not believed."""
    create(client, "ada")
    codes = [attempt(client, "ada", ANOTHER, f"10.0.0.{number}, 198.51.100.7").status_code for number in range(8)]
    assert codes == [401] * 5 + [429] * 3


async def test_many_guesses_at_once_are_counted_as_many(config: GovernanceServiceConfig) -> None:
    """Fifty guesses that arrive together are five that are looked at."""
    app = create_app(config)
    async with running(app) as url, httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as caller:
        body = {"name": "ada", "password": PASSWORD}
        made = await caller.post("/users", json=body, headers={"Authorization": f"Bearer {token_for(app)}"})
        assert made.status_code == 201
        guess = {"username": "ada", "password": ANOTHER}
        answers = await asyncio.gather(*(caller.post("/auth/token", json=guess) for _ in range(50)))
    codes = [one.status_code for one in answers]
    assert codes.count(401) <= 6  # a second may go by, and one more is looked at
    assert codes.count(401) + codes.count(429) == 50


@pytest.mark.parametrize("name", ["ada", "bob", "nobody", "corp:x", "no name at all"])
def test_every_attempt_costs_one_hash(client: TestClient, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whether a name exists, is disabled or is no name cannot be told by the time: each attempt compares one hash of the same cost."""
    create(client, "ada")
    create(client, "bob")
    client.post("/users/bob/disable")
    compared: list[str] = []
    real = PasswordHashes._verified

    def counted(self: PasswordHashes, kept: str, password: str) -> bool:
        compared.append(kept.rsplit("$", 2)[0])
        return real(self, kept, password)

    monkeypatch.setattr(PasswordHashes, "_verified", counted)
    assert attempt(client, name, ANOTHER, "198.51.100.7").status_code == 401
    costs = {f"$argon2id$v=19$m={CHEAP['password_hash_memory_kib']},t=1,p=1"}
    assert (len(compared), set(compared)) == (1, costs)


def test_a_hash_of_former_parameters_is_replaced(config: GovernanceServiceConfig) -> None:
    """When a hash has become dearer, the next sign-in makes a new one of the same password."""
    app = create_app(config)
    with TestClient(app, headers={"Authorization": f"Bearer {token_for(app)}"}) as client:
        create(client, "ada")
    dearer = config.model_copy(update={"password_hash_rounds": 2})
    seen: list[str] = []
    real = PasswordHashes._verified

    def watched(self: PasswordHashes, kept: str, password: str) -> bool:
        seen.append(kept.split("$")[3])
        return real(self, kept, password)

    with pytest.MonkeyPatch.context() as patch, TestClient(create_app(dearer)) as client:
        patch.setattr(PasswordHashes, "_verified", watched)
        for _ in range(2):
            assert client.post("/auth/token", json={"username": "ada", "password": PASSWORD}).status_code == 200
    assert seen == ["m=64,t=1,p=1", "m=64,t=2,p=1"]
