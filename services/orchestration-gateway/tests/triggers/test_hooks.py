"""Webhooks against a real orchestrator: signed, mapped, kept, and started once."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import Request

from maestro_core_api import public
from orchestration_gateway.triggers.signatures import standard_headers
from orchestration_gateway.triggers.trigger import Key

from ..conftest import bearer  # noqa: TID252 - tests of one member share their world

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
HOOK = {"kind": "webhook", "workflow": "shop/echo", "input": "{order: .body.order}", "secrets": [KEY]}


async def declare(world: Any, name: str, **changes: Any) -> dict[str, Any]:
    answer = await world.gateway.put(f"/triggers/{name}", json={**HOOK, **changes})
    assert answer.status_code in {200, 201}, answer.text
    return dict(answer.json())


async def deliver(
    world: Any, name: str, body: Any, *, message_id: str = "msg_1", key: str = KEY, at: datetime | None = None
) -> httpx2.Response:
    content = json.dumps(body).encode()
    headers = {
        "content-type": "application/json",
        **standard_headers(key, message_id, at or datetime.now(UTC), content),
    }
    answer: httpx2.Response = await world.gateway.post(f"/hooks/{name}", content=content, headers=headers)
    return answer


async def test_a_signed_delivery_starts_one_run(world: Any) -> None:
    """The run gets what jq makes of the message; the same delivery again is the same run."""
    await declare(world, "orders")
    first = await deliver(world, "orders", {"order": 17, "more": 1})
    assert first.status_code == 202, first.text
    accepted = first.json()
    assert accepted["status"] == "started"
    assert not accepted["duplicate"]
    run = await world.ended(accepted["run_id"])
    assert run["output"] == {"order": 17}
    assert run["attributes"] == {"trigger": "orders"}
    again = await deliver(world, "orders", {"order": 17, "more": 1}, at=datetime.now(UTC) + timedelta(seconds=5))
    assert again.json() == {**accepted, "duplicate": True}
    assert (await world.orchestrator.get("/runs/count")).json() == {"count": 1}


async def test_a_delivery_and_its_run_are_one_trace(world: Any) -> None:
    """The sender's trace, or the one that begins with the request, is the run's, also when it is started later."""
    await declare(world, "orders")
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    world.gateway.headers["traceparent"] = f"00-{trace_id}-b7ad6b7169203331-01"
    accepted = (await deliver(world, "orders", {"order": 17})).json()
    assert (await world.ended(accepted["run_id"]))["trace_id"] == trace_id


async def test_many_deliveries_at_once(world: Any) -> None:
    """Each of many at the same time is one run, also when each is sent three times."""
    await declare(world, "orders")
    sent = [deliver(world, "orders", {"order": n}, message_id=f"msg_{n}") for n in range(20) for _ in range(3)]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {202}
    assert sum(not answer.json()["duplicate"] for answer in answers) == 20
    runs = {answer.json()["run_id"] for answer in answers}
    assert len(runs) == 20
    for run_id in runs:
        assert (await world.ended(run_id))["status"] == "completed"
    assert (await world.orchestrator.get("/runs/count")).json() == {"count": 20}


async def test_an_id_with_another_content(world: Any) -> None:
    """A sender that uses an id again for something else is told, and nothing starts."""
    await declare(world, "orders")
    await deliver(world, "orders", {"order": 1})
    refused = await deliver(world, "orders", {"order": 2})
    assert (refused.status_code, refused.json()["error_code"]) == (409, "DELIVERY_CONFLICT")


async def test_a_refusal_names_its_rule(world: Any) -> None:
    """Forged, stale and unsigned requests are 401 with the rule; a name that is none is 404."""
    await declare(world, "orders")
    for answer, rule in (
        (await deliver(world, "orders", {}, key=OTHER), "signature-valid"),
        (await deliver(world, "orders", {}, at=datetime.now(UTC) - timedelta(hours=1)), "timestamp-tolerance"),
        (await world.gateway.post("/hooks/orders", json={}), "signature-present"),
    ):
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["error_code"], answer.json()["rule"]) == ("SIGNATURE_INVALID", rule)
    assert (await deliver(world, "nothing", {})).json()["error_code"] == "TRIGGER_NOT_FOUND"
    assert (await world.gateway.get("/deliveries")).json()["deliveries"] == []


async def test_keys_are_rotated(world: Any) -> None:
    """A new trigger gets a key; rotated, both are accepted until the old one's time is over."""
    made = await declare(world, "orders", secrets=None)
    first = made["new_secret"]
    assert (await deliver(world, "orders", {"order": 1}, key=first, message_id="a")).status_code == 202
    second = (await world.gateway.post("/triggers/orders/rotate", json={"overlap_s": 3600})).json()["new_secret"]
    for key, id_ in ((first, "b"), (second, "c")):
        assert (await deliver(world, "orders", {"order": 1}, key=key, message_id=id_)).status_code == 202
    third = (await world.gateway.post("/triggers/orders/rotate", json={"overlap_s": 0})).json()["new_secret"]
    assert (await deliver(world, "orders", {"order": 1}, key=third, message_id="d")).status_code == 202
    assert (await deliver(world, "orders", {"order": 1}, key=first, message_id="e")).status_code == 401
    shown = (await world.gateway.get("/triggers/orders")).text
    assert not any(key in shown for key in (first, second, third))


async def test_keys_go_with_their_scheme(world: Any) -> None:
    """A trigger that changes its scheme gets a new key: as a key of the other scheme the old one could be empty."""
    await declare(world, "orders", signature="github", secrets=["-" * 20])
    changed = await declare(world, "orders", secrets=None)
    for key in ("whsec_", "whsec_" + "-" * 20):
        assert (await deliver(world, "orders", {"order": 1}, key=key)).status_code == 401
    assert (await deliver(world, "orders", {"order": 1}, key=changed["new_secret"])).status_code == 202
    back = await declare(world, "orders", signature="github", secrets=None)
    assert back["new_secret"] not in {None, changed["new_secret"]}


async def test_a_key_that_its_scheme_does_not_allow_signs_nothing(world: Any) -> None:
    """Also when it is kept already: base64 of nothing is an empty key, with which anybody could sign."""
    await declare(world, "orders")
    triggers = await held(world, "triggers")
    async with triggers._db.transaction() as session:
        await triggers._store.put(session, replace(await triggers.get("orders"), keys=(Key("-" * 20),)))
        await session.commit()
    assert (await deliver(world, "orders", {"order": 1}, key="whsec_")).status_code == 401


async def test_keys_that_cannot_be_decrypted_stop_their_own_trigger_only(open_world: Callable[..., Any]) -> None:
    """The others are listed and work; the one says what is wrong, keeps its keys, and is mended or deleted by a call."""
    async with open_world(encryption_key="a" * 32) as world:
        for name in ("orders", "others", "third"):
            await declare(world, name, secrets=[KEY])
    async with open_world(encryption_key="b" * 32) as world:
        await declare(world, "readable", filter="false")
        listed = (await world.gateway.get("/triggers")).json()["triggers"]
        assert [each["name"] for each in listed if each["keys_problem"] is None] == ["readable"]
        assert len(listed) == 4
        assert (await deliver(world, "readable", {})).status_code == 202
        refused = await deliver(world, "orders", {})
        assert (refused.status_code, refused.json()["error_code"]) == (500, "KEYS_UNREADABLE")
        kept = await world.gateway.put("/triggers/orders", json={**HOOK, "secrets": None})
        assert (kept.status_code, kept.json()["error_code"]) == (409, "TRIGGER_CONFLICT")
        mended = await declare(world, "orders", filter="false", secrets=[OTHER])
        assert mended["keys_problem"] is None
        assert (await deliver(world, "orders", {}, key=OTHER)).status_code == 202
        assert (await world.gateway.post("/triggers/others/rotate")).json()["keys_problem"] is None
        assert (await world.gateway.delete("/triggers/third")).status_code == 204


async def held(world: Any, part: str) -> Any:
    """A part inside of the running gateway."""
    found: list[Any] = []

    @world.app.get(f"/tests/{part}")
    @public
    async def hand_over(request: Request) -> dict[str, str]:
        found.append(getattr(request.state, part))
        return {}

    await world.gateway.get(f"/tests/{part}")
    return found[0]


async def test_filters_keys_and_chosen_workflows(world: Any) -> None:
    """Jq decides what starts, which workflow of those allowed, and which deliveries are one run."""
    await declare(
        world,
        "orders",
        workflow=None,
        workflow_from='"shop/" + .body.what',
        allowed_workflows=["shop/echo"],
        filter=".body.paid",
        run_key=".body.order",
    )
    filtered = (await deliver(world, "orders", {"order": 1, "paid": False, "what": "echo"}, message_id="a")).json()
    assert (filtered["status"], filtered["run_id"]) == ("filtered", None)
    one = (await deliver(world, "orders", {"order": 1, "paid": True, "what": "echo"}, message_id="b")).json()
    same = (await deliver(world, "orders", {"order": 1, "paid": True, "what": "echo", "x": 1}, message_id="c")).json()
    assert one["run_id"] == same["run_id"]
    refused = await deliver(world, "orders", {"order": 2, "paid": True, "what": "waits"}, message_id="d")
    assert (refused.status_code, refused.json()["error_code"]) == (422, "MAPPING_FAILED")
    assert "shop/waits" in refused.json()["detail"]


async def test_what_cannot_be_mapped_is_kept_and_replayed(world: Any) -> None:
    """A delivery whose program fails is dead; with the trigger put right it is replayed, or comes again."""
    await declare(world, "orders", input=".body.order + 1")
    for id_ in ("a", "b"):
        refused = await deliver(world, "orders", {"order": {}}, message_id=id_)
        assert (refused.status_code, refused.json()["program"]) == (422, "input")
    dead = (await world.gateway.get("/deliveries", params={"status": "dead"})).json()["deliveries"]
    assert {each["error_code"] for each in dead} == {"MAPPING_FAILED"}
    await declare(world, "orders", input="{}")
    again = await deliver(world, "orders", {"order": {}}, message_id="a")
    assert (again.status_code, again.json()["status"]) == (202, "started")
    replayed = (await world.gateway.post("/triggers/orders/replay")).json()
    assert replayed == {"replayed": 1, "failed": 0}
    assert (await world.orchestrator.get("/runs/count")).json() == {"count": 2}


async def test_a_start_that_is_refused_is_dead_until_it_is_replayed(world: Any) -> None:
    """An input that the workflow's schema refuses is a dead delivery; a started one starts anew only when that is wanted."""
    await declare(world, "orders")
    refused = (await deliver(world, "orders", {"order": "text"}, message_id="a")).json()
    assert refused["status"] == "dead"
    shown = (await world.gateway.get(f"/deliveries/{refused['delivery_id']}")).json()
    assert shown["error_code"] == "PAYLOAD_INVALID" or "order" in shown["error"]
    await declare(world, "orders", input="{order: 7}")
    replayed = await world.gateway.post(f"/deliveries/{refused['delivery_id']}/replay")
    assert (replayed.status_code, replayed.json()["status"]) == (202, "started")
    assert replayed.json()["run_id"] == refused["run_id"]
    again = await world.gateway.post(f"/deliveries/{refused['delivery_id']}/replay")
    assert (again.status_code, again.json()["error_code"]) == (409, "REPLAY_REFUSED")
    anew = await world.gateway.post(f"/deliveries/{refused['delivery_id']}/replay", params={"anew": True})
    assert anew.json()["run_id"] != refused["run_id"]
    assert (await world.ended(anew.json()["run_id"]))["output"] == {"order": 7}


async def test_a_delivery_whose_trigger_is_another_one_now_is_not_replayed(world: Any) -> None:
    """Gone, made a schedule, or taken by a tenant: the answer is a 409, and the message reaches none of their workflows."""
    await declare(world, "orders")
    dead = (await deliver(world, "orders", {"order": "text"})).json()["delivery_id"]
    assert (await world.gateway.delete("/triggers/orders")).status_code == 204
    schedule = {"kind": "schedule", "workflow": "shop/echo", "spec": {"cron": "0 3 * * *"}}
    mapped = {**HOOK, "input": "{}"}
    for body, headers in ((None, {}), (schedule, {}), (mapped, bearer("admin", tenant="acme"))):
        if body is not None:
            made = await world.gateway.put("/triggers/orders", json=body, headers=headers)
            assert made.status_code == 201
            replayed = await world.gateway.post("/triggers/orders/replay")
            assert (replayed.status_code, replayed.json()["replayed"]) == (200, 0)
        for anew in (False, True):
            refused = await world.gateway.post(f"/deliveries/{dead}/replay", params={"anew": anew})
            assert (refused.status_code, refused.json()["error_code"]) == (409, "REPLAY_REFUSED"), refused.text
        await world.gateway.delete("/triggers/orders", headers=headers)
    assert (await world.orchestrator.get("/runs/count")).json() == {"count": 0}


async def test_a_replay_keeps_the_run_and_clears_what_is_over(world: Any) -> None:
    """Another run_key makes no second run of it; a delivery that is filtered now has neither a run nor an error."""
    await declare(world, "orders")
    first, second = [(await deliver(world, "orders", {"order": "text"}, message_id=id_)).json() for id_ in ("a", "b")]
    await declare(world, "orders", input="{order: 7}", run_key='"another"')
    replayed = (await world.gateway.post(f"/deliveries/{first['delivery_id']}/replay")).json()
    assert (replayed["status"], replayed["run_id"]) == ("started", first["run_id"])
    await declare(world, "orders", filter="false")
    filtered = (await world.gateway.post(f"/deliveries/{second['delivery_id']}/replay")).json()
    assert (filtered["status"], filtered["run_id"], filtered["error_code"]) == ("filtered", None, None)


async def test_github_signs_its_own_way(world: Any) -> None:
    """A delivery signed as GitHub does starts a run, once, whatever its unsigned headers say; forms are read too."""
    await declare(
        world, "push", signature="github", secrets=["a long shared secret"], input="{order: (.body.n|tonumber)}"
    )

    def signed(body: bytes) -> dict[str, str]:
        return {"x-hub-signature-256": "sha256=" + hmac.new(b"a long shared secret", body, hashlib.sha256).hexdigest()}

    body = b'{"n": 3}'
    one = await world.gateway.post("/hooks/push", content=body, headers={**signed(body), "x-github-delivery": "1"})
    two = await world.gateway.post("/hooks/push", content=body, headers={**signed(body), "x-github-delivery": "2"})
    assert one.json()["status"] == "started"
    assert two.json() == {**one.json(), "duplicate": True}
    form = b"n=4"
    media = {"content-type": "application/x-www-form-urlencoded"}
    three = await world.gateway.post("/hooks/push", content=form, headers={**signed(form), **media})
    assert (await world.ended(three.json()["run_id"]))["output"] == {"order": 4}


async def test_a_paused_trigger_asks_to_come_again(world: Any) -> None:
    """Nothing is kept while it is paused, so that the sender's next attempt counts."""
    await declare(world, "orders", paused=True)
    paused = await deliver(world, "orders", {"order": 1})
    assert (paused.status_code, paused.json()["error_code"]) == (503, "TRIGGER_PAUSED")
    assert paused.headers["retry-after"]
    await declare(world, "orders", paused=False)
    assert (await deliver(world, "orders", {"order": 1})).json()["duplicate"] is False


async def test_without_the_orchestrator_deliveries_wait(open_world: Callable[..., Any]) -> None:
    """A delivery is accepted while the orchestrator is away, and is listed as waiting."""
    async with open_world(orchestrator_url="http://127.0.0.1:1") as world:
        await declare(world, "orders")
        accepted = await deliver(world, "orders", {"order": 1})
        assert (accepted.status_code, accepted.json()["status"]) == (202, "waiting")
        (listed,) = (await world.gateway.get("/deliveries", params={"trigger": "orders"})).json()["deliveries"]
        assert listed["status"] == "waiting"
        assert listed["run_id"] == accepted.json()["run_id"]


async def test_quotas_of_starts(open_world: Callable[..., Any]) -> None:
    """Beyond a tenant's starts the answer is a 429 with rule, limit and wait; a duplicate costs nothing."""
    async with open_world(quota={"starts": 2, "window_s": 3600}) as world:
        await declare(world, "orders", filter="false")
        for id_ in ("a", "b", "a", "b"):
            assert (await deliver(world, "orders", {}, message_id=id_)).status_code == 202
        refused = await deliver(world, "orders", {}, message_id="c")
        problem = refused.json()
        assert refused.status_code == 429
        assert (problem["rule"], problem["limit"]) == ("starts-per-tenant", 2)
        assert refused.headers["retry-after"] == str(problem["retry_after"])
        assert len((await world.gateway.get("/deliveries")).json()["deliveries"]) == 2


async def test_bodies_that_are_too_large_or_no_json(world: Any) -> None:
    """A body beyond the trigger's limit is 413, announced or not; one that says that it is JSON and is not is 400."""
    await declare(world, "orders", max_body_bytes=100)
    big = b'"' + b"x" * 200 + b'"'

    async def parts() -> Any:
        yield big

    for content in (big, parts()):
        answer = await world.gateway.post(
            "/hooks/orders", content=content, headers=standard_headers(KEY, "a", datetime.now(UTC), big)
        )
        assert (answer.status_code, answer.json()["error_code"]) == (413, "DELIVERY_TOO_LARGE")
    for bad in (b"{", b"NaN", b"[" * 90, b"\xff", b"1e999"):
        headers = {"content-type": "application/json", **standard_headers(KEY, "a", datetime.now(UTC), bad)}
        answer = await world.gateway.post("/hooks/orders", content=bad, headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "DELIVERY_INVALID")


@pytest.mark.parametrize(
    ("content", "media", "seen"),
    [
        (b"plain", "text/plain", '"plain"'),
        (b"", "text/plain", "null"),
        (b"\xff\x00", "image/png", "null"),
        (b"[1]", "", "[1]"),
    ],
)
async def test_any_body_is_a_message(world: Any, content: bytes, media: str, seen: str) -> None:
    """What is no JSON is text, or base64 beside null."""
    await declare(
        world,
        "orders",
        input='{order: 1, seen: (.body|tojson), has: has("body_base64"), id, media: .headers["content-type"]}',
    )
    headers = standard_headers(KEY, "a", datetime.now(UTC), content) | ({"content-type": media} if media else {})
    accepted = await world.gateway.post("/hooks/orders", content=content, headers=headers)
    output = (await world.ended(accepted.json()["run_id"]))["output"]
    assert output["seen"] == seen
    assert output["has"] is (media == "image/png")
    assert output["id"] == "a"
