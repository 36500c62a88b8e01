"""Services looked at for real: over sockets, found through a registry."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

import central_registry.bootstrap
from central_registry.config import CentralRegistryConfig
from governance_service.bootstrap import create_app
from governance_service.testing import SECRET, config_for
from maestro_core_api import APIClient, APIConfig, MaestroAPI, SecurityConfig, issue_token
from maestro_core_api.testing import running


def shop() -> MaestroAPI:
    return MaestroAPI(
        APIConfig(title="Shop", service_name="shop", version="1.0.0", security=SecurityConfig(jwt_secret_key=SECRET))
    )


@contextmanager
def spying() -> Iterator[tuple[str, set[str]]]:
    """Serve what is no service of the platform: it answers 200 to everything, and keeps the tokens it is shown."""
    tokens: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens.add(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", tokens
        server.shutdown()


class Platform:
    def __init__(self, client: APIClient, registry: httpx2.AsyncClient) -> None:
        self.client = client
        self._registry = registry

    async def register(self, name: str, url: str) -> None:
        entry = {"url": url, "version": "1.0.0", "lease_s": 60}
        (await self._registry.put(f"/services/{name}/instances/a", json=entry)).raise_for_status()

    async def assess(self, name: str) -> dict[str, Any]:
        card: dict[str, Any] = (await self.client.post(f"/scorecards/{name}/assess")).json()
        card["by_check"] = {result["check"]: result for result in card["results"]}
        return card


@pytest.fixture
def reads_ops() -> bool:
    return True


@pytest.fixture
async def platform(tmp_path: Path, reads_ops: bool) -> AsyncIterator[Platform]:
    token = issue_token(SECRET, subject="ci", roles=("admin",))
    registry = CentralRegistryConfig(environment="test", data_dir=tmp_path, jwt_secret=SecretStr(SECRET))
    async with AsyncExitStack() as stack:
        registry_url = await stack.enter_async_context(running(central_registry.bootstrap.create_app(registry)))
        config = config_for(tmp_path, registry_url=registry_url, scorecard_reads_ops=reads_ops)
        url = await stack.enter_async_context(running(create_app(config)))
        client = await stack.enter_async_context(APIClient(url, token=token, retries=0))
        headers = {"Authorization": f"Bearer {token}"}
        http = httpx2.AsyncClient(base_url=registry_url, headers=headers, trust_env=False)
        yield Platform(client, await stack.enter_async_context(http))


async def test_a_service_of_the_platform_and_one_that_is_none(platform: Platform) -> None:
    """What MaestroAPI brings is seen for real; a plain service gets no points for it, and each line says what to do."""
    with spying() as (spy_url, _):
        async with running(shop()) as shop_url:
            await platform.register("shop", shop_url)
            await platform.register("spy", spy_url)
            good, bad = await platform.assess("shop"), await platform.assess("spy")
    passed = {name for name, result in good["by_check"].items() if result["state"] == "passed"}
    assert passed >= {"dependencies", "logging", "framework", "errors", "metrics", "health", "tracing"}, good
    assert good["by_check"]["production"]["evidence"] == "runs as development"
    states = {name: result["state"] for name, result in bad["by_check"].items()}
    assert states["framework"] == states["errors"] == states["metrics"] == states["tracing"] == "failed"
    assert [name for name, state in states.items() if state == "passed"] == ["health"]
    assert good["score"] > bad["score"]


async def test_what_is_vouched_for_counts_and_the_trend_is_kept(platform: Platform) -> None:
    """A report of a test run changes the score; the trend has both; the trail says who reported it."""
    async with running(shop()) as url:
        await platform.register("shop", url)
        before = (await platform.client.get("/scorecards/shop")).json()
        report = {"check": "tests", "passed": True, "evidence": "312 tests passed", "url": "https://ci.example/1"}
        answer = await platform.client.post("/scorecards/shop/attestations", json=report)
        after = answer.json()
    assert (answer.status_code, after["score"] > before["score"]) == (201, True)
    assert [point["score"] for point in after["trend"]] == [after["score"], before["score"]]
    entry = (await platform.client.get("/audit/entries?action=scorecard.attest")).json()["items"][0]
    assert (entry["actor"], entry["resource"]) == ("ci", "service:shop")
    listed = (await platform.client.get("/scorecards")).json()["scorecards"]
    assert [one["service"] for one in listed] == ["shop"]


async def test_services_that_are_gone_or_were_never_there(platform: Platform) -> None:
    """A service that cannot be reached is assessed as such, all of them at once; an unknown one is 404 and names the others."""
    await platform.register("gone", "http://127.0.0.1:1")
    cards = (await platform.client.post("/scorecards/assess")).json()["scorecards"]
    assert {card["service"] for card in cards} == {"central-registry", "gone"} | {card["service"] for card in cards}
    gone = (await platform.client.get("/scorecards/gone")).json()
    health = next(result for result in gone["results"] if result["check"] == "health")
    assert (health["state"], "cannot be reached" in health["evidence"]) == ("unknown", True)
    from maestro_core_api import RemoteAPIException

    with pytest.raises(RemoteAPIException) as caught:
        await platform.client.get("/scorecards/nobody")
    assert caught.value.error_code == "SCORECARD_NOT_FOUND"
    assert "gone" in caught.value.problem["known"]
    report = {"check": "tests", "passed": True, "evidence": "312 tests passed"}
    with pytest.raises(RemoteAPIException) as caught:
        await platform.client.post("/scorecards/nobody/attestations", json=report)
    assert (caught.value.status_code, caught.value.error_code) == (404, "SCORECARD_NOT_FOUND")
    assert (await platform.client.get("/audit/entries?action=scorecard.attest")).json()["items"] == []


@pytest.mark.parametrize("reads_ops", [False])
async def test_whoever_registers_a_service_gets_no_token_of_an_admin(platform: Platform) -> None:
    """Where /ops is not to be read, an instance sees tokens of a viewer alone; what is behind /ops is then unknown."""
    from joserfc import jwt
    from joserfc.jwk import OctKey

    with spying() as (spy_url, seen):
        async with running(shop()) as shop_url:
            await platform.register("spy", spy_url)
            await platform.register("shop", shop_url)
            await platform.assess("spy")
            card = await platform.assess("shop")
    tokens = [token.removeprefix("Bearer ") for token in seen if token]
    assert tokens
    for token in tokens:
        claims = jwt.decode(token, OctKey.import_key(SECRET)).claims
        assert claims["roles"] == ["viewer"]
        assert claims["exp"] - claims["iat"] <= 120
    assert card["by_check"]["dependencies"]["state"] == "unknown"
    assert card["by_check"]["errors"]["state"] == "passed"
