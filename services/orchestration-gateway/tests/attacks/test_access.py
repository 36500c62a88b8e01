"""Tokens, roles, tenants, sizes and injections against a gateway on a real socket."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from maestro_core_api import issue_token
from maestro_core_api.testing import running
from orchestration_gateway.triggers.signatures import standard_headers

from ..conftest import bearer, client_of, gateway_app  # noqa: TID252 - as its neighbours

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
HOOK = {"kind": "webhook", "workflow": "shop/echo", "secrets": [KEY], "filter": "false"}
DELIVERY = "0" * 32
READS = [
    "/triggers",
    "/triggers/a",
    "/deliveries",
    "/screens/overview",
    "/screens/services",
    "/screens/runs/r",
    "/live/runs",
    "/live/runs/r",
]
ROUTES: list[tuple[str, str, str]] = [
    *(("GET", path, "viewer") for path in READS),
    ("POST", "/live/tickets", "viewer"),
    ("GET", f"/deliveries/{DELIVERY}", "operator"),
    ("POST", f"/deliveries/{DELIVERY}/replay", "operator"),
    ("POST", "/triggers/a/replay", "operator"),
    ("POST", "/events", "operator"),
    ("PUT", "/triggers/a", "admin"),
    ("DELETE", "/triggers/a", "admin"),
    ("POST", "/triggers/a/rotate", "admin"),
]
ORDER = ["viewer", "operator", "approver", "admin"]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A gateway that knows no orchestrator, and a caller without a token."""
    async with running(gateway_app(tmp_path, screen_timeout_s=0.5)) as url, client_of(url) as client:
        yield client


async def declare(gateway: httpx2.AsyncClient, name: str, tenant: str | None = None, **changes: Any) -> httpx2.Response:
    return await gateway.put(f"/triggers/{name}", json={**HOOK, **changes}, headers=bearer("admin", tenant=tenant))


async def asked(gateway: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
    """Ask, and read the head of the answer alone: some are streams."""
    content = b"{}" if method in {"POST", "PUT"} else None
    async with gateway.stream(
        method, path, headers={"content-type": "application/json", **headers}, content=content
    ) as answer:
        if "event-stream" not in answer.headers.get("content-type", ""):
            await answer.aread()
        return answer


@pytest.mark.parametrize(("method", "path", "role"), ROUTES)
async def test_every_route_wants_its_role(gateway: httpx2.AsyncClient, method: str, path: str, role: str) -> None:
    """Nobody without a token, with somebody else's, or with a lower role gets in; who has the role does."""
    strange = {
        "Authorization": f"Bearer {issue_token('another-secret-of-at-least-32-bytes!!', subject='x', roles=['admin'])}"
    }
    none = {
        "Authorization": "Bearer "
        + ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode()
            for part in (b'{"alg":"none"}', b'{"sub":"x","roles":["admin"]}', b"")
        )
    }
    for headers in ({}, strange, none, {"Authorization": "Basic eDp5"}):
        assert (await asked(gateway, method, path, headers)).status_code == 401, headers
    for lower in ([], *([each] for each in ORDER[: ORDER.index(role)])):
        answer = await asked(gateway, method, path, bearer(*lower))
        rules = {f"role:{role}"} if lower else {f"role:{role}", "role:viewer"}
        assert answer.status_code == 403, lower
        assert answer.json()["rule"] in rules
    allowed = await asked(gateway, method, path, bearer(role))
    assert allowed.status_code not in {401, 403}


async def test_no_route_is_forgotten(gateway: httpx2.AsyncClient, tmp_path: Path) -> None:
    """The list above has every operation of the document but the webhooks, whose signature is their token."""
    document = gateway_app(tmp_path / "other").openapi()
    known = {(method, path) for method, path, _ in ROUTES}
    for path, item in document["paths"].items():
        if path.startswith(("/health", "/metrics", "/ops", "/hooks")):
            continue
        filled = path.replace("{name}", "a").replace("{run_id}", "r").replace("{delivery_id}", DELIVERY)
        for method in item:
            assert (method.upper(), filled) in known


async def test_tenants_do_not_see_one_another(gateway: httpx2.AsyncClient) -> None:
    """What belongs to another tenant is as if it were not there, to be read, changed, replayed or taken over."""
    assert (await declare(gateway, "theirs", "acme")).status_code == 201
    body = b"{}"
    headers = {"content-type": "application/json", **standard_headers(KEY, "m", datetime.now(UTC), body)}
    delivery = (await gateway.post("/hooks/theirs", content=body, headers=headers)).json()["delivery_id"]
    mine = {"headers": bearer("admin", tenant="other")}
    assert (await gateway.get("/triggers", **mine)).json() == {"triggers": []}
    assert (await gateway.get("/deliveries", **mine)).json()["deliveries"] == []
    assert (await gateway.get("/deliveries", params={"trigger": "theirs"}, **mine)).json()["deliveries"] == []
    for method, path in (
        ("GET", "/triggers/theirs"), ("DELETE", "/triggers/theirs"), ("POST", "/triggers/theirs/rotate"),
        ("POST", "/triggers/theirs/replay"), ("GET", f"/deliveries/{delivery}"), ("POST", f"/deliveries/{delivery}/replay"),
    ):  # fmt: skip
        answer = await gateway.request(method, path, **mine)
        assert (answer.status_code, answer.json()["error_code"]) in {
            (404, "TRIGGER_NOT_FOUND"),
            (404, "DELIVERY_NOT_FOUND"),
        }, path
    taken = await gateway.put("/triggers/theirs", json=HOOK, **mine)
    assert (taken.status_code, taken.json()["error_code"]) == (409, "TRIGGER_CONFLICT")
    shown = (await gateway.get("/triggers/theirs", headers=bearer("viewer", tenant="acme"))).json()
    assert (shown["tenant"], shown["revision"]) == ("acme", 1)
    assert len((await gateway.get("/triggers", headers=bearer("viewer"))).json()["triggers"]) == 1


async def test_a_name_that_another_tenant_takes_leads_to_nothing_of_the_first(gateway: httpx2.AsyncClient) -> None:
    """Its new owner's messages are new ones, whatever ids the first owner's had, and each sees its own deliveries alone."""

    async def deliver(body: bytes) -> httpx2.Response:
        headers = {"content-type": "application/json", **standard_headers(KEY, "m", datetime.now(UTC), body)}
        return await gateway.post("/hooks/orders", content=body, headers=headers)

    seen = {}
    for tenant, body in (("acme", b"{}"), ("other", b"{}"), ("third", b"[]"), (None, b"{}")):
        assert (await declare(gateway, "orders", tenant)).status_code == 201
        answer = await deliver(body)
        assert (answer.status_code, answer.json().get("duplicate")) == (202, False), tenant
        seen[tenant] = answer.json()["delivery_id"]
        assert (await gateway.delete("/triggers/orders", headers=bearer("admin", tenant=tenant))).status_code == 204
    assert len(set(seen.values())) == len(seen)
    for tenant in ("acme", "other", "third"):
        listed = (await gateway.get("/deliveries", headers=bearer("viewer", tenant=tenant))).json()["deliveries"]
        assert [each["id"] for each in listed] == [seen[tenant]]


async def test_a_tenant_is_not_chosen_by_the_caller(gateway: httpx2.AsyncClient) -> None:
    """A declaration cannot say whose it is, nor name the platform's secrets, whatever the role."""
    for extra in ({"tenant": "acme"}, {"origin": "file"}, {"keys": []}, {"revision": 9}):
        answer = await gateway.put("/triggers/x", json={**HOOK, **extra}, headers=bearer("admin", tenant="other"))
        assert answer.status_code == 422, extra
    named = await declare(gateway, "x", "other", secrets=None, secret_names=["jwt-secret"])
    assert (named.status_code, named.json()["errors"][0]["path"]) == (422, "body.secret_names")


async def test_keys_are_never_shown(gateway: httpx2.AsyncClient) -> None:
    """No answer holds a key but the one that made it, and the database holds none in the clear."""
    made = (await declare(gateway, "a", secrets=None)).json()["new_secret"]
    assert made.startswith("whsec_")
    for path in ("/triggers", "/triggers/a", "/deliveries", "/openapi.json", "/metrics"):
        answer = await gateway.get(path, headers=bearer("admin"))
        assert made not in answer.text
        assert made.removeprefix("whsec_")[:20] not in answer.text
    assert (await declare(gateway, "a", secrets=None)).json()["new_secret"] is None


async def test_a_delivery_cannot_be_replayed_by_an_eavesdropper(gateway: httpx2.AsyncClient) -> None:
    """Sent again as it was, it is the same delivery; with another id, later, or to another trigger it is refused."""
    for name in ("a", "b"):
        await declare(
            gateway, name, **({} if name == "a" else {"secrets": ["whsec_" + base64.b64encode(b"b" * 32).decode()]})
        )
    body = b'{"n": 1}'
    at = datetime.now(UTC)
    headers = {"content-type": "application/json", **standard_headers(KEY, "m", at, body)}
    answers = await asyncio.gather(*(gateway.post("/hooks/a", content=body, headers=headers) for _ in range(10)))
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1
    for changed, path in (
        ({"webhook-id": "n"}, "a"),
        ({"webhook-timestamp": str(int(at.timestamp()) + 9)}, "a"),
        ({}, "b"),
    ):
        assert (await gateway.post(f"/hooks/{path}", content=body, headers={**headers, **changed})).status_code == 401
    old = {"content-type": "application/json", **standard_headers(KEY, "old", at - timedelta(days=2), body)}
    assert (await gateway.post("/hooks/a", content=body, headers=old)).json()["rule"] == "timestamp-tolerance"
    twice = [*headers.items(), ("webhook-id", "other")]
    assert (await gateway.post("/hooks/a", content=body, headers=twice)).json().get("duplicate", True)
    assert len((await gateway.get("/deliveries", headers=bearer("viewer"))).json()["deliveries"]) == 1


@pytest.mark.parametrize(
    "mark", ["'", '"; DROP TABLE triggers; --', "\x00", "%", "_", "../x", "é" * 64, "a" * 5_000, "${jndi:x}"]
)
async def test_injections(gateway: httpx2.AsyncClient, mark: str) -> None:
    """Whatever stands in names, ids and queries is data, and no answer is the service's fault."""
    admin = bearer("admin")
    quoted = "".join(f"%{byte:02x}" for byte in mark.encode())
    for method, path in (("GET", f"/triggers/{quoted}"), ("PUT", f"/triggers/{quoted}"), ("DELETE", f"/triggers/{quoted}"),
                         ("POST", f"/hooks/{quoted}"), ("GET", f"/deliveries/{quoted}"), ("POST", f"/deliveries/{quoted}/replay"),
                         ("GET", f"/deliveries?trigger={quoted}"), ("GET", f"/deliveries?cursor={quoted}"), ("GET", f"/live/runs?after={quoted}")):  # fmt: skip
        answer = await gateway.request(method, path, headers=admin, json=HOOK if method == "PUT" else None)
        assert answer.status_code < 500, (method, path, answer.text)
    event = {"specversion": "1.0", "id": mark, "source": mark, "type": mark, "data": {"x": mark}}
    await gateway.put(
        "/triggers/any", json={"kind": "event", "type": "*", "workflow": "shop/echo", "filter": "false"}, headers=admin
    )
    answer = await gateway.post(
        "/events", json=event, headers={**admin, "content-type": "application/cloudevents+json"}
    )
    assert answer.status_code in {202, 400}, answer.text
    body = json.dumps({"x": mark}).encode()
    await declare(gateway, "hook", input="{x: .body.x}", filter='.body.x == "no"')
    headers = {"content-type": "application/json", **standard_headers(KEY, "m", datetime.now(UTC), body)}
    assert (await gateway.post("/hooks/hook", content=body, headers=headers)).json()["status"] == "filtered"


async def test_oversized_requests(gateway: httpx2.AsyncClient) -> None:
    """A body, a program or a declaration beyond its limit is refused."""
    admin = bearer("admin")
    assert (await gateway.put("/triggers/a", content=b"x" * (17 << 20), headers=admin)).status_code == 413
    assert (await declare(gateway, "a", input="." * 10_001)).status_code == 422
    assert (await declare(gateway, "a", secrets=[KEY] * 6)).status_code == 422
    assert (await declare(gateway, "a", description="x" * 2_001)).status_code == 422
    deep = b"[" * 100_000 + b"]" * 100_000
    assert (
        await gateway.post("/events", content=deep, headers={**admin, "content-type": "application/cloudevents+json"})
    ).status_code == 400
    await declare(gateway, "a")
    headers = {"content-type": "application/json", **standard_headers(KEY, "m", datetime.now(UTC), deep)}
    assert (await gateway.post("/hooks/a", content=deep, headers=headers)).status_code == 400


async def test_a_path_that_is_not_normalised(gateway: httpx2.AsyncClient) -> None:
    """A raw request for a path outside of the dashboard gets no file."""
    host, port = gateway.base_url.host, gateway.base_url.port
    for path in (
        "/dashboard/../../../../etc/passwd",
        "/dashboard/..%2f..%2f..%2fetc%2fpasswd",
        "/dashboard//etc/passwd",
    ):

        def raw(path: str = path) -> bytes:
            with socket.create_connection((host, port), 10) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                return b"".join(iter(lambda: connection.recv(65_536), b""))

        answer = await asyncio.to_thread(raw)
        assert b"root:" not in answer
        assert answer.split(b" ", 2)[1] in {b"200", b"400", b"401", b"404"}


async def test_runs_of_others_are_not_followed(world: Any) -> None:
    """A tenant's caller follows, looks at and streams its own runs alone."""
    options = {"attributes": {"tenant": "acme"}}
    for run_id, more in (("theirs", {"options": options}), ("ours", {})):
        started = await world.orchestrator.post(
            "/runs", json={"workflow": "shop/echo", "id": run_id, "input": {}, **more}
        )
        assert started.status_code == 202
        await world.ended(run_id)
    acme, other = bearer("viewer", tenant="acme"), bearer("viewer", tenant="other")
    for path in ("/live/runs/theirs", "/screens/runs/theirs"):
        assert (await world.gateway.get(path, headers=acme)).status_code == 200
        for headers in (other, bearer("viewer", tenant="")):
            assert (await asked(world.gateway, "GET", path, headers)).status_code in {401, 404}
    assert (await asked(world.gateway, "GET", "/live/runs/ours", acme)).status_code == 404
    async with world.gateway.stream("GET", "/live/runs?after=0", headers=other, timeout=5) as response:
        ticket = (await world.gateway.post("/live/tickets", headers=other)).json()["ticket"]
        assert response.status_code == 200
    async with httpx2.AsyncClient(base_url=world.gateway.base_url, trust_env=False) as bare:
        assert (await bare.get("/live/runs/theirs", params={"ticket": ticket})).status_code == 404
