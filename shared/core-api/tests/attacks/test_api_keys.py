"""API keys that are guessed, cut off, swapped, over or taken back."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from maestro_core_api import APIConfig, APIKey, MaestroAPI, MemoryKeyStore, SecurityConfig, issue_api_key
from maestro_core_api import _api_keys as api_keys_module

Denied = Callable[..., dict[str, Any]]
PEPPER = "a-pepper-for-tests-of-at-least-32-bytes"


@pytest.mark.parametrize("form", ["header", "bearer", "scheme"])
def test_a_good_key_is_accepted(attacker: TestClient, api_key: tuple[str, APIKey], form: str) -> None:
    """A key is taken from its header, as a bearer token and under its own scheme; the attacks below fail for their own reason."""
    headers = {
        "header": {"X-API-Key": api_key[0]},
        "bearer": {"Authorization": f"Bearer {api_key[0]}"},
        "scheme": {"Authorization": f"ApiKey {api_key[0]}"},
    }[form]
    assert attacker.get("/me", headers=headers).json() == {"subject": "robot", "roles": ["operator"]}


def test_cut_off_and_mistyped_keys_never_reach_the_store(
    attacker: TestClient, denied: Denied, api_key: tuple[str, APIKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key without its end, with a letter changed or with something added is refused before it is looked up."""

    async def find(self: MemoryKeyStore, key_id: str) -> None:
        raise AssertionError("it was looked up")

    monkeypatch.setattr(MemoryKeyStore, "find", find)
    key = api_key[0]
    changed = key[:30] + ("a" if key[30] != "a" else "b") + key[31:]
    for bent in (
        key[:-1],
        key[:20],
        "mk_",
        "mk",
        changed,
        key + "x",
        key.upper(),
        key.replace("_", "-"),
        "mk_" + "é" * 66,
        "\0" * 67,
    ):
        denied(
            attacker.get("/me", headers=[(b"x-api-key", bent.encode("latin-1"))]), "api-key-format", "API_KEY_INVALID"
        )


def test_a_secret_belongs_to_its_id(attacker: TestClient, denied: Denied, api_key: tuple[str, APIKey]) -> None:
    """Another key's secret, a guessed secret and an unknown id are all the same answer: nobody learns which ids exist."""
    other, _ = issue_api_key(subject="robot", roles=["admin"], pepper=PEPPER)
    _, known_id, _ = api_key[0].split("_")
    _, _, other_secret = other.split("_")
    body = f"mk_{known_id}_{other_secret[:43]}"
    swapped = body + api_keys_module._checksum(body)
    documents = [
        denied(attacker.get("/me", headers={"X-API-Key": key}), "api-key-known", "API_KEY_INVALID")
        for key in (other, swapped)
    ]
    assert len({document["detail"] for document in documents}) == 1


def test_secrets_are_compared_in_constant_time(
    attacker: TestClient, api_key: tuple[str, APIKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decides is compare_digest over whole hashes: no comparison ends at the first letter that differs."""
    compared: list[tuple[int, int]] = []
    compare_digest = hmac.compare_digest

    def compare(first: bytes, second: bytes) -> bool:
        compared.append((len(first), len(second)))
        return compare_digest(first, second)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert attacker.get("/me", headers={"X-API-Key": api_key[0]}).status_code == 200
    length = len("hmac-sha256:") + 64
    assert compared == [(length, length)]


def keyed(*records: APIKey, **options: Any) -> TestClient:
    """A client of a service with certain keys."""
    security = SecurityConfig(api_keys={"pepper": PEPPER, **options})
    app = MaestroAPI(
        APIConfig(title="Orders", service_name="orders", security=security), key_store=MemoryKeyStore(records)
    )

    @app.get("/me")
    async def me() -> str:
        return "in"

    return TestClient(app, raise_server_exceptions=False)


def test_expired_keys_are_refused() -> None:
    """A key whose time is over is refused, and told so."""
    key, record = issue_api_key(subject="robot", expires_in=timedelta(seconds=-1), pepper=PEPPER)
    answer = keyed(record).get("/me", headers={"X-API-Key": key})
    assert (answer.status_code, answer.json()["error_code"]) == (401, "API_KEY_EXPIRED")
    assert answer.json()["rule"] == "api-key-not-expired"


def test_revoked_keys_are_refused() -> None:
    """A key that was taken back is refused, and told so."""
    key, record = issue_api_key(subject="robot", pepper=PEPPER)
    revoked = record.model_copy(update={"revoked_at": datetime.now(UTC)})
    answer = keyed(revoked).get("/me", headers={"X-API-Key": key})
    assert (answer.status_code, answer.json()["error_code"]) == (401, "API_KEY_REVOKED")


def test_a_planted_hash_without_the_pepper_is_worth_nothing() -> None:
    """Whoever can write to the store, but does not know the pepper, cannot make a key that works."""
    for planted in (None, "another-pepper-of-at-least-32-bytes!!"):
        key, record = issue_api_key(subject="robot", roles=["admin"], pepper=planted)
        answer = keyed(record).get("/me", headers={"X-API-Key": key})
        assert answer.json()["rule"] == "api-key-known"


def test_a_hash_is_bound_to_its_id() -> None:
    """A record whose hash was copied from another key is worth nothing."""
    known, record = issue_api_key(subject="robot", pepper=PEPPER)
    victim = issue_api_key(subject="root", roles=["admin"], pepper=PEPPER)[1].model_copy(update={"hash": record.hash})
    body = f"mk_{victim.key_id}_{known.split('_')[2][:43]}"
    answer = keyed(victim).get("/me", headers={"X-API-Key": body + api_keys_module._checksum(body)})
    assert answer.json()["rule"] == "api-key-known"


def test_without_a_store_no_key_is_accepted(client: TestClient, anonymous: TestClient) -> None:
    """A service without a key store does not look at API keys, and keeps none of its callers out for sending one."""
    key, _ = issue_api_key(subject="robot")
    assert anonymous.get("/nowhere", headers={"X-API-Key": key}).json()["error_code"] == "AUTH_REQUIRED"
    assert client.get("/nowhere", headers={"X-API-Key": key}).status_code == 404
