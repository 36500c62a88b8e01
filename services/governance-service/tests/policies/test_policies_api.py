import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from governance_service.policies.domain import PolicyBook
from governance_service.policies.files import BUILTIN, read_policy
from governance_service.testing import SECRET
from maestro_core_api import issue_token

As = Callable[..., TestClient]
_, SOURCE = read_policy(BUILTIN / "licences.cedar")
POLICY = {"text": SOURCE.text, "schema": SOURCE.schema, "tests": list(SOURCE.tests), "description": SOURCE.description}
STRICTER = {**POLICY, "text": SOURCE.text.replace('"Apache-2.0", ', ""), "tests": []}


def question(*licences: str, confidence: float = 0.99, **more: Any) -> dict[str, Any]:
    attributes = {"licenses": list(licences), "confidence": confidence}
    return {
        "policy": "licences",
        "principal": {"type": "Service", "id": "review"},
        "action": "use",
        "resource": {"type": "Distribution", "id": "certifi", "attributes": attributes},
        **more,
    }


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"policy_builtin": True}


@pytest.fixture
def as_(client: TestClient) -> As:
    def speaking(name: str, *roles: str, tenant: str | None = None) -> TestClient:
        token = issue_token(SECRET, subject=name, roles=roles, tenant=tenant)
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    return speaking


def test_a_policy_is_checked_once_and_beside_the_requests(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applying compiles and tests a policy once; that and a dry run leave the event loop to others."""
    threads: list[tuple[str, bool]] = []

    def on_loop() -> bool:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return True

    check, changed = PolicyBook.check, PolicyBook._changed

    def checked(self: PolicyBook, *args: Any) -> Any:
        threads.append(("check", on_loop()))
        return check(self, *args)

    def compared(*args: Any) -> Any:
        threads.append(("compare", on_loop()))
        return changed(*args)

    as_("flow", "operator").post("/decisions", json=question("MIT"))
    monkeypatch.setattr(PolicyBook, "check", checked)
    monkeypatch.setattr(PolicyBook, "_changed", staticmethod(compared))
    root = as_("root", "admin")
    assert root.put("/policies/licences", json=STRICTER).status_code == 201
    assert root.put("/policies/licences?dry_run=true", json=POLICY).status_code == 200
    assert threads == [("check", False), ("check", False), ("compare", False)]


def test_the_builtin_policy_decides_and_the_log_keeps_it(as_: As) -> None:
    """Questions get one of three answers with reasons; the log has them, for the tenant that asked; dry runs leave no trace."""
    flow = as_("flow", "operator")
    answers = {
        licence: flow.post("/decisions", json=question(licence)).json()
        for licence in ("MIT", "MPL-2.0", "GPL-3.0-only")
    }
    assert [one["decision"] for one in answers.values()] == ["allow", "needs_approval", "deny"]
    assert answers["MPL-2.0"]["reasons"] == [
        {"rule": "weak-copyleft", "text": "MPL-2.0 is weak copyleft: somebody has to see how it is used."}
    ]
    dry = flow.post("/decisions", json=question("MIT", dry_run=True)).json()
    assert flow.get(f"/decisions/{dry['decision_id']}").status_code == 404
    of_acme = as_("flow", "operator", tenant="acme").post("/decisions", json=question("MIT")).json()["decision_id"]
    assert as_("flow", "operator").get(f"/decisions/{of_acme}").status_code == 404
    assert as_("flow", "operator", tenant="globex").get("/decisions").json()["items"] == []
    mine = as_("flow", "operator").get("/decisions?policy=licences&limit=2").json()
    assert [one["decision"] for one in mine["items"]] == ["deny", "needs_approval"]
    rest = as_("flow", "operator").get(
        "/decisions", params={"policy": "licences", "limit": 2, "cursor": mine["next_cursor"]}
    )
    (first,) = rest.json()["items"]
    assert (first["question"]["resource"]["attributes"]["licenses"], first["asked_by"]) == (["MIT"], "flow")
    assert len(first["trace_id"]) == 32
    assert len(as_("root", "admin").get("/decisions").json()["items"]) == 4


def test_versions_are_tried_out_applied_and_seen(as_: As) -> None:
    """A dry run says what would change; applying it is a version; a stale one is refused; older versions stay."""
    for licence in ("Apache-2.0", "MIT", "Apache-2.0"):
        as_("flow", "operator").post("/decisions", json=question(licence))
    root = as_("root", "admin")
    assert [(one["name"], one["version"]) for one in root.get("/policies").json()["policies"]] == [("licences", 1)]
    tried = root.put("/policies/licences?dry_run=true", json=STRICTER).json()
    assert (tried["version"], tried["dry_run"]["compared"], tried["dry_run"]["changed"]) == (None, 3, 2)
    change = tried["dry_run"]["changes"][0]
    assert (change["before"], change["after"], change["reasons"][0]["rule"]) == (
        "allow",
        "needs_approval",
        "default-approval",
    )
    seen = root.get("/policies/licences")
    assert (seen.json()["versions"], seen.json()["created_by"]) == ([1], "file:licences.cedar")
    tag = {"If-Match": seen.headers["etag"]}
    applied = root.put("/policies/licences", json=STRICTER, headers=tag)
    assert (applied.status_code, applied.json()["version"]) == (201, 2)
    assert root.put("/policies/licences", json=POLICY, headers=tag).status_code == 412
    assert root.put("/policies/licences", json=STRICTER).status_code == 200
    assert as_("flow", "operator").post("/decisions", json=question("Apache-2.0")).json()["policy_version"] == 2
    assert as_("vi", "viewer").get("/policies/licences/1").json()["text"] == SOURCE.text
    missing = as_("vi", "viewer").get("/policies/licences/9")
    assert (missing.status_code, missing.json()["known"]) == (404, ["1", "2"])
    entries = as_("root", "admin").get("/audit/entries?action=policy.apply").json()["items"]
    assert [(entry["actor"], entry["details"]["version"]) for entry in entries] == [
        ("root", 2),
        ("file:licences.cedar", 1),
    ]


def test_a_version_that_is_not_sound_is_refused(as_: As) -> None:
    """Failing tests and broken rules are named; a dry run of failing tests shows them; the version in force stays."""
    root = as_("root", "admin")
    wrong = {**POLICY, "tests": [{**SOURCE.tests[0], "expect": "deny"}]}
    refused = root.put("/policies/licences", json=wrong)
    assert (refused.status_code, refused.json()["error_code"]) == (422, "POLICY_TESTS_FAILED")
    assert "expected deny, got allow" in refused.json()["errors"][0]["message"]
    dry = root.put("/policies/licences?dry_run=true", json=wrong)
    assert (dry.status_code, dry.json()["tests"]["passed"]) == (200, False)
    broken = root.put("/policies/licences", json={**POLICY, "text": "permit("})
    assert (broken.status_code, broken.json()["errors"][0]["path"]) == (422, "text")
    tests = as_("flow", "operator").post("/policies/licences/test").json()
    assert (tests["passed"], len(tests["results"])) == (True, len(SOURCE.tests))
    sent = as_("flow", "operator").post("/policies/licences/test", json=wrong).json()
    assert [one["passed"] for one in sent["results"]] == [False]
    assert as_("root", "admin").get("/policies/licences").json()["version"] == 1


def test_a_question_that_does_not_fit_is_told_why(as_: As) -> None:
    """Unknown policies, misspelt members and wrong attributes are the caller's faults, with their places."""
    flow = as_("flow", "operator")
    unknown = flow.post("/decisions", json=question("MIT", policy="licenses"))
    assert (unknown.status_code, unknown.json()["known"]) == (404, ["licences"])
    misspelt = flow.post("/decisions", json=question("MIT", principal={"type": "Service", "ID": "x"}))
    assert misspelt.json()["errors"][0]["path"] == "body.principal.ID"
    unfit = flow.post("/decisions", json=question("MIT", context={"purpose": 5}))
    assert (unfit.status_code, unfit.json()["error_code"]) == (422, "INVALID_DECISION_REQUEST")


def test_only_the_platforms_admins_make_policies(as_: As) -> None:
    """Neither operators nor a tenant's own admin can change what decides over them; a tenant cannot speak for another."""
    for caller in (as_("op", "operator"), as_("ap", "approver"), as_("root", "admin", tenant="acme")):
        assert caller.put("/policies/licences", json=POLICY).status_code == 403
        assert caller.put("/policies/licences?dry_run=true", json=POLICY).status_code == 403
    other = as_("flow", "operator", tenant="acme").post("/decisions", json=question("MIT", tenant="globex"))
    assert (other.status_code, other.json()["error_code"]) == (403, "OTHER_TENANT")
    assert as_("vi", "viewer").post("/decisions", json=question("MIT")).status_code == 403
