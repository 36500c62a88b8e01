import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from provider import CLIENT_ID, CLIENT_SECRET
from signing import CHEAP, PASSWORD, audited, claims, create
from starlette.testclient import TestClient

HERE = "http://governance.test"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, str(Path(__file__).with_name("provider.py")), str(port)]) as process:
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    httpx2.get(f"{url}/keys", trust_env=False)
                    break
                except httpx2.TransportError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield url
        finally:
            process.kill()


@pytest.fixture
def settings(issuer: str) -> dict[str, Any]:
    corp = {
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "role_mapping": {"staff": ["viewer", "operator"], "chiefs": ["admin"]},
    }
    tenant = {**corp, "tenant": "acme", "role_mapping": {"staff": ["tenant-admin"]}}
    return {**CHEAP, "public_url": HERE, "oidc_providers": {"corp": corp, "acme": tenant}}


@pytest.fixture(autouse=True)
def well_behaved(issuer: str) -> None:
    """Each test begins with a provider that does what it should."""
    tell(issuer, user={"sub": "1", "preferred_username": "Ada", "groups": ["staff"]}, key="first")


def tell(issuer: str, **told: Any) -> None:
    """Tell the provider how to behave from now on."""
    httpx2.post(f"{issuer}/misbehave", json=told, trust_env=False).raise_for_status()


def sent_away(client: TestClient, provider: str = "corp") -> tuple[str, dict[str, str]]:
    """Begin to sign in; where the provider sends the browser back to, and the browser's cookies."""
    begun = client.get(
        "/auth/oidc/login", params={"provider": provider}, follow_redirects=False, headers={"Authorization": ""}
    )
    assert begun.status_code == 302, begun.text
    cookies = dict(begun.cookies)
    client.cookies.clear()
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{HERE}/auth/oidc/callback"]
    back = httpx2.get(begun.headers["location"], follow_redirects=False, trust_env=False)
    assert back.status_code == 302, back.text
    return back.headers["location"].removeprefix(HERE), cookies


def came_back(client: TestClient, address: str, cookies: dict[str, str]) -> Any:
    """The answer to a browser that comes back."""
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return client.get(address, headers={"Authorization": "", **({"Cookie": header} if header else {})})


def signed_in(client: TestClient, provider: str = "corp") -> Any:
    return came_back(client, *sent_away(client, provider))


def test_somebody_signs_in_with_an_outside_provider(client: TestClient, issuer: str) -> None:
    """Who comes back has a name of the provider's, the roles of their groups, and tokens like everybody's; the next time it is the same user."""
    assert client.get("/auth/oidc/providers").json() == {"providers": ["acme", "corp"]}
    answer = signed_in(client)
    assert answer.status_code == 200, answer.text
    said = claims(answer.json()["access_token"])
    assert (said["sub"], said["roles"]) == ("corp:ada", ["operator", "viewer"])
    tell(issuer, user={"sub": "1", "preferred_username": "Ada L.", "groups": ["chiefs"]})
    again = claims(signed_in(client).json()["access_token"])
    assert (again["sub"], again["roles"]) == ("corp:ada", ["admin"])
    refreshed = client.post("/auth/refresh", json={"refresh_token": answer.json()["refresh_token"]})
    assert claims(refreshed.json()["access_token"])["roles"] == ["admin"]
    actions = [entry["action"] for entry in audited(client, actor="corp:ada")]
    assert actions == ["session.begin", "user.set-roles", "session.begin", "user.create"]


def test_nobody_becomes_somebody_else_by_name(client: TestClient, issuer: str) -> None:
    """A name elsewhere is never that of a user here, nor of another person of the provider."""
    create(client, "ada", "admin")
    assert claims(signed_in(client).json()["access_token"])["sub"] == "corp:ada"
    tell(issuer, user={"sub": "2", "preferred_username": "ADA", "groups": []})
    other = claims(signed_in(client).json()["access_token"])
    assert other["sub"].startswith("corp:ada-")
    assert other["roles"] == []
    password = {"username": "corp:ada", "password": PASSWORD}
    assert client.post("/auth/token", json=password).status_code == 401
    assert client.post("/users/corp:ada/password").status_code == 422


def test_somebody_of_a_tenants_provider_is_of_the_tenant(client: TestClient) -> None:
    """The tenant comes from the configuration, never from the provider."""
    said = claims(signed_in(client, "acme").json()["access_token"])
    assert (said["tenant"], said["roles"]) == ("acme", ["tenant-admin"])


@pytest.mark.parametrize(
    "odd",
    [
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"aud": "another"}},
        {"claims": {"aud": [CLIENT_ID, "another"]}},
        {"claims": {"azp": "another"}},
        {"claims": {"iss": "http://127.0.0.1:1"}},
        {"claims": {"exp": 1}},
        {"claims": {"exp": None}},
        {"claims": {"iat": 9_999_999_999}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ["1"]}},
        {"sign": "none"},
        {"sign": "stranger"},
        {"sign": "public-as-secret"},
        {"iss": "https://another.example"},
        {"error": "access_denied"},
        {"error": "bad\nnews"},
    ],
    ids=str,
)
def test_what_cannot_be_believed_lets_nobody_in(client: TestClient, issuer: str, odd: dict[str, Any]) -> None:
    """ID tokens of another sign-in, client, issuer, time or key are refused, and no user is made."""
    tell(issuer, odd=odd)
    answer = signed_in(client)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "OUTSIDE_LOGIN_REFUSED"), answer.text
    assert audited(client) == []


def test_a_sign_in_ends_once_and_in_its_own_browser(client: TestClient) -> None:
    """Neither another browser nor the same one a second time can end a sign-in; a made-up state is none."""
    address, cookies = sent_away(client)
    assert came_back(client, address, {}).status_code == 401
    assert came_back(client, address, cookies).status_code == 401  # its state is used up
    address, cookies = sent_away(client)
    _, other = sent_away(client)
    assert came_back(client, address, other).status_code == 401
    address, cookies = sent_away(client)
    assert came_back(client, address, cookies).status_code == 200
    assert came_back(client, address, cookies).status_code == 401
    assert came_back(client, "/auth/oidc/callback?state=x&code=y", cookies).status_code == 401
    assert client.get("/auth/oidc/callback").status_code == 422


def test_a_provider_changes_its_keys(client: TestClient, issuer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that the provider has changed are fetched anew."""
    monkeypatch.setattr("governance_service.identity.oidc._provider._KEYS_AGAIN_AFTER_S", 0.0)
    assert signed_in(client).status_code == 200
    tell(issuer, key="second")
    assert signed_in(client).status_code == 200


def test_a_provider_that_is_another_one_is_not_believed(client: TestClient, issuer: str) -> None:
    """A discovery document of another issuer, or with endpoints that are not https, is refused."""
    for odd in ({"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": 7}):
        tell(issuer, odd={"discovery": odd})
        answer = client.get("/auth/oidc/login", params={"provider": "corp"}, follow_redirects=False)
        assert (answer.status_code, answer.json()["error_code"]) == (502, "OUTSIDE_PROVIDER_UNAVAILABLE")
    unknown = client.get("/auth/oidc/login", params={"provider": "other"}, follow_redirects=False)
    assert unknown.status_code == 404
