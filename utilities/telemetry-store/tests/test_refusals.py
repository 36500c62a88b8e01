import gzip
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from maestro_core_api import issue_token
from maestro_core_api.testing import running
from telemetry_store.bootstrap import create_app
from telemetry_store.config import TelemetryStoreConfig

KINDS = ("traces", "logs", "metrics")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer a-token-for-sender"])
async def test_nobody_sends_without_the_token(
    store: httpx2.AsyncClient, sender: dict[str, str], kind: str, shown: str
) -> None:
    """401 for no token, another one, or a part of it; nothing is kept."""
    answer = await store.post(f"/v1/{kind}", content=b"", headers=sender | {"authorization": shown})

    assert (answer.status_code, answer.json()["rule"]) == (401, "otlp-token")


async def test_a_persons_token_does_not_send(store: httpx2.AsyncClient, sender: dict[str, str]) -> None:
    """Who may read everything may still not write."""
    token = issue_token("a-secret-of-32-bytes-or-more-for-tests", subject="ada", roles=("admin",))

    answer = await store.post("/v1/logs", content=b"", headers=sender | {"authorization": f"Bearer {token}"})

    assert answer.status_code == 401


async def test_without_a_configured_token_nobody_sends(tmp_path: Path, sender: dict[str, str]) -> None:
    """Nothing is open by default."""
    config = TelemetryStoreConfig(jwt_secret="a-secret-of-32-bytes-or-more-for-tests", data_dir=tmp_path)
    async with running(create_app(config)) as url, httpx2.AsyncClient() as client:
        answer = await client.post(f"{url}/v1/logs", content=b"", headers=sender)

    assert answer.status_code == 401
    assert "otlp_token is not set" in answer.json()["detail"]


async def test_the_senders_token_does_not_read(store: httpx2.AsyncClient, sender: dict[str, str]) -> None:
    """Services write; what all of them wrote is for people."""
    for path in ("/traces", "/logs", "/graph", "/statistics", f"/traces/{'a' * 32}", "/series?name=x"):
        assert (await store.get(path, headers=sender)).status_code == 401, path


async def test_a_tenant_does_not_read_the_others(store: httpx2.AsyncClient) -> None:
    """What is kept is of all tenants, so that a tenant's own admin sees none of it."""
    token = issue_token("a-secret-of-32-bytes-or-more-for-tests", subject="bo", roles=("admin",), tenant="acme")
    for path in ("/traces", "/logs", "/graph", "/statistics", f"/traces/{'a' * 32}", "/series?name=x"):
        answer = await store.get(path, headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["rule"]) == (403, "no-tenant"), path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b"", 415),
        ({"content-encoding": "br"}, b"", 415),
        ({}, b"\xff\xff\xff", 400),
        ({"content-encoding": "gzip"}, b"no gzip", 400),
        ({"content-encoding": "gzip"}, gzip.compress(b"x" * 1000, mtime=0)[:-12], 400),
        ({"content-type": "application/json"}, b"{", 400),
        ({"content-type": "application/json"}, b"[1]", 400),
        ({"content-type": "application/json"}, b"[" * 500 + b"]" * 500, 400),
    ],
    ids=["text", "brotli", "no-protobuf", "no-gzip", "cut-gzip", "cut-json", "no-object", "nested"],
)
async def test_what_cannot_be_read_is_told(
    store: httpx2.AsyncClient, sender: dict[str, str], kind: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """A problem document with what is wrong, and the store goes on."""
    answer = await store.post(f"/v1/{kind}", content=body, headers=sender | headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await store.get("/statistics")).json()["spans"] == 0


async def test_ids_in_json_are_hex(store: httpx2.AsyncClient, sender: dict[str, str]) -> None:
    """As the specification says; anything else is refused."""
    span = {"traceId": "zz" * 16, "spanId": "a" * 16, "name": "x"}
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}

    answer = await store.post("/v1/traces", json=request, headers=sender | {"content-type": "application/json"})

    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_TELEMETRY")


async def test_a_bomb_is_not_unpacked(tmp_path: Path, sender: dict[str, str]) -> None:
    """What would be larger than the limit is refused before it is."""
    secret = "a-secret-of-32-bytes-or-more-for-tests"
    config = TelemetryStoreConfig(
        jwt_secret=secret, otlp_token="a-token-for-senders", data_dir=tmp_path, max_request_bytes=1_000_000
    )
    bomb = gzip.compress(b"\0" * 100_000_000)
    async with running(create_app(config)) as url, httpx2.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{url}/v1/traces", content=bomb, headers=sender | {"content-encoding": "gzip"})

    assert (answer.status_code, answer.json()["error_code"]) == (413, "TELEMETRY_TOO_LARGE")


async def test_spans_without_ids_are_left_out(
    store: httpx2.AsyncClient, sender: dict[str, str], spans: Callable[..., bytes]
) -> None:
    """One sender's fault does not cost the others of the batch."""
    body = spans("a" * 32, ("orders", "b" * 16, "", 0, 1, False)) + spans("", ("orders", "", "", 0, 1, False))

    assert (await store.post("/v1/traces", content=body, headers=sender)).status_code == 200
    assert (await store.get("/statistics")).json()["spans"] == 1
