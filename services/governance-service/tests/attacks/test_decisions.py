"""Attempts to decide what is not one's own, to see what is not one's own, and to bring the service down by what is sent."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from governance_service.bootstrap import create_app
from governance_service.policies.files import BUILTIN, read_policy
from governance_service.testing import SECRET, config_for
from maestro_core_api import issue_token
from maestro_core_api.testing import in_process_client

As = Callable[..., TestClient]
ASKED = {"id": "a", "title": "May it?", "candidates": {"roles": ["approver"]}}
YES = {"decision": "approve"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with in_process_client(create_app(config_for(tmp_path, policy_builtin=True))) as running:
        yield running


@pytest.fixture
def as_(client: TestClient) -> As:
    def speaking(name: str, *roles: str, tenant: str | None = None) -> TestClient:
        token = issue_token(SECRET, subject=name, roles=roles or ("approver",), tenant=tenant)
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    return speaking


def sent(client: TestClient, path: str, body: Any) -> Any:
    """Send JSON that spells out what has no UTF-8 form."""
    return client.post(path, content=json.dumps(body), headers={"content-type": "application/json"})


def test_tenants_neither_see_nor_touch_each_other(as_: As) -> None:
    """Every way to another tenant's approval answers as if there were none, for its admins too."""
    as_("flow", "operator", tenant="acme").post("/approvals", json=ASKED)
    for roles in (("approver",), ("admin",)):
        stranger = as_("ada", *roles, tenant="globex")
        assert stranger.get("/approvals").json()["items"] == []
        assert stranger.get("/approvals?mine=true").json()["items"] == []
        assert stranger.get("/approvals/a").status_code == 404
        calls = {"decide": YES, "claim": None, "delegate": {"to": "x"}, "comments": {"text": "x"}, "cancel": None}
        for action, body in calls.items():
            assert stranger.post(f"/approvals/a/{action}", json=body).status_code == 404
        assert stranger.get("/approvals?tenant=acme").status_code == 403
        assert stranger.post("/approvals", json={**ASKED, "id": "b", "tenant": "acme"}).status_code == 403
        assert stranger.get("/scorecards").status_code == 403
    # The platform's own people are no tenant's: they see as admins, and still do not decide for it.
    assert as_("ada").get("/approvals/a").status_code == 404
    root = as_("root", "admin")
    assert root.get("/approvals/a").json()["tenant"] == "acme"
    assert root.post("/approvals/a/decide", json=YES).status_code == 403
    # The same id in another tenant is another approval.
    assert as_("flow", "operator", tenant="globex").post("/approvals", json=ASKED).status_code == 201
    assert as_("ada", tenant="acme").post("/approvals/a/decide", json=YES).json()["status"] == "approved"
    assert as_("ada", tenant="globex").get("/approvals/a").json()["status"] == "open"


def test_a_tenant_cannot_have_somebody_elses_run_signalled(as_: As) -> None:
    """The service signals runs with rights of its own, so a tenant's caller cannot name a run."""
    mallory = as_("mallory", "approver", tenant="acme")
    refused = mallory.post("/approvals", json={**ASKED, "run_id": "globex-payroll", "signal": "approval"})
    assert (refused.status_code, refused.json()["error_code"]) == (403, "RUN_NOT_ALLOWED")


def test_nobody_approves_what_he_asks_for(as_: As) -> None:
    """Neither directly, nor by speaking for somebody else, nor by handing it to oneself through others."""
    asked = {**ASKED, "exclude_requester": True, "requested_by": "mallory", "candidates": {"users": ["bo", "mallory"]}}
    as_("mallory", "approver").post("/approvals", json={**asked, "requested_by": "bo-s-friend", "id": "own"})
    for roles in (("approver",), ("admin",), ("approver", "admin")):
        assert as_("mallory", *roles).post("/approvals/own/decide", json=YES).json()["rule"] == "not-the-requester"
    as_("flow", "operator").post("/approvals", json=asked)
    assert as_("mallory").post("/approvals/a/decide", json=YES).status_code == 403
    assert as_("mallory").post("/approvals/a/delegate", json={"to": "accomplice"}).status_code == 403
    assert as_("bo").post("/approvals/a/delegate", json={"to": "mallory"}).status_code == 422
    assert as_("bo").post("/approvals/a/delegate", json={"to": "cy"}).status_code == 200
    assert as_("cy").post("/approvals/a/delegate", json={"to": "mallory"}).status_code == 422
    assert as_("cy").post("/approvals/a/delegate", json={"to": "bo"}).status_code == 422


def test_two_pairs_of_eyes_are_not_one_persons(as_: As) -> None:
    """Repeating, more roles, or a seat of a colleague does not make one person count twice."""
    as_("flow", "operator").post("/approvals", json={**ASKED, "four_eyes": 2, "candidates": {"users": ["ada", "bo"]}})
    as_("ada").post("/approvals/a/decide", json=YES)
    for roles in (("approver",), ("admin",)):
        again = as_("ada", *roles).post("/approvals/a/decide", json=YES).json()
        assert (again["status"], again["missing"]) == ("open", 1)
    assert as_("bo").post("/approvals/a/delegate", json={"to": "ada"}).status_code == 422
    assert as_("root", "admin").post("/approvals/a/decide", json=YES).status_code == 403
    assert as_("bo").post("/approvals/a/decide", json=YES).json()["status"] == "approved"


def test_a_candidate_without_the_role_does_not_decide(as_: As) -> None:
    """Being named, by whoever asked or by a delegate, gives nobody the role that deciding takes."""
    as_("flow", "operator").post("/approvals", json={**ASKED, "candidates": {"users": ["vi", "ada"]}})
    assert as_("vi", "viewer").post("/approvals/a/decide", json=YES).json()["error_code"] == "ROLE_REQUIRED"
    as_("ada").post("/approvals/a/delegate", json={"to": "op"})
    assert as_("op", "operator").post("/approvals/a/decide", json=YES).json()["error_code"] == "ROLE_REQUIRED"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 30_000,
        "[" * 60_000,
        "if true then " * 5_000,
        '"' * 65_536,
        "\x00",
        "//" * 32_000,
        "1+" * 30_000 + "1 == 1",
    ],
)
def test_a_hostile_policy_does_not_end_the_process(as_: As, text: str) -> None:
    """What would overflow the parser's stack is refused before it is parsed, and the service goes on."""
    _, source = read_policy(BUILTIN / "licences.cedar")
    root = as_("root", "admin")
    inside = f'@id("a") @text("b") permit (principal, action, resource) when {{{text}}};'
    for rules, schema in ((text, source.schema), (source.text, text), (inside, source.schema)):
        answer = root.put("/policies/hostile", json={"text": rules, "schema": schema})
        assert answer.status_code == 422, answer.text
    assert root.get("/policies").status_code == 200


def test_hostile_values_are_refused_or_kept_as_they_are(as_: As) -> None:
    """Odd text, depth and size are the caller's fault or harmless, never the service's failure."""
    flow = as_("flow", "operator")
    resource = {"type": "Distribution", "id": "x", "attributes": {"licenses": [], "confidence": 0.5}}
    base = {"policy": "licences", "principal": {"type": "Service", "id": "s"}, "action": "use", "resource": resource}
    deep: Any = {}
    for _ in range(60):
        deep = {"a": deep}
    changes: list[dict[str, Any]] = [
        {"action": "\x00"},
        {"action": 'use"); permit'},
        {"context": {"purpose": "\x00'\";--"}},
        {"context": deep},
        {"resource": {**resource, "id": "\u202e\x00"}},
        {"resource": {**resource, "attributes": {"licenses": ["\ud800"], "confidence": 0.5}}},
        {"entities": [resource] * 200},
        {"entities": [{**resource, "parents": [resource]}]},
        {"entities": [{**resource, "attributes": deep}]},
        {"policy": "../licences"},
    ]
    for change in changes:
        answer = sent(flow, "/decisions", {**base, **change})
        assert answer.status_code in {200, 404, 422}, answer.text
    for change in (
        {"context": deep}, {"title": "\x00"}, {"id": "../../etc"}, {"id": "%00"}, {"run_id": "\x00", "signal": "s"}, {"description": "\x00 \u202e"},
        {"candidates": {"users": ["a" * 300]}}, {"due_in_s": 1e308}, {"due_at": "9999-12-31T23:59:59Z"}, {"context": {"a": "\ud800"}},
    ):  # fmt: skip
        answer = sent(flow, "/approvals", {**ASKED, "id": "odd", **change})
        assert answer.status_code in {200, 201, 409, 422}, answer.text
    _, source = read_policy(BUILTIN / "licences.cedar")
    for _ in range(300):
        deep = {"a": deep}
    test = {**base, "name": "n", "expect": "deny", "entities": [{**resource, "attributes": deep}]}
    del test["policy"]
    policy = {"text": source.text, "schema": source.schema, "tests": [test]}
    answer = as_("root", "admin").put("/policies/deep", json=policy)
    assert (answer.status_code, "nested 32 deep" in answer.text) == (422, True), answer.text
    injected = as_("flow", "operator").get("/approvals", params={"run_id": "' OR 1=1 --"})
    assert (injected.status_code, injected.json()["items"]) == (200, [])
