from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from governance_service.testing import SECRET, FakeClock, config_for
from maestro_core_api import MaestroAPI, issue_token
from maestro_core_api.testing import in_process_client
from maestro_core_db.testing import TemporaryDatabase

As = Callable[..., TestClient]
ASKED = {"id": "a", "title": "Use certifi?", "candidates": {"roles": ["approver"]}}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def app(temporary_database: TemporaryDatabase, tmp_path: Any, clock: FakeClock) -> MaestroAPI:
    from governance_service.bootstrap import create_app

    return create_app(config_for(tmp_path, temporary_database.url), clock=clock)


@pytest.fixture
def as_(client: TestClient) -> As:
    """Make the client speak for somebody: `as_("ada", "approver")`."""

    def speaking(name: str, *roles: str, tenant: str | None = None) -> TestClient:
        token = issue_token(SECRET, subject=name, roles=roles or ("approver",), tenant=tenant)
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    return speaking


def test_from_question_to_answer(as_: As, clock: FakeClock) -> None:
    """An approval is asked for once, found by who may decide, claimed, commented on, decided; and the trail tells it all."""
    asked = as_("flow", "operator").post(
        "/approvals", json={**ASKED, "run_id": "r", "signal": "s", "context": {"n": 1}}
    )
    assert (asked.status_code, asked.headers["location"]) == (201, "/approvals/a")
    assert as_("flow", "operator").post("/approvals", json={**ASKED, "run_id": "r", "signal": "s", "context": {"n": 1}}).status_code == 200  # fmt: skip
    again = as_("flow", "operator").post("/approvals", json={**ASKED, "title": "Something else"})
    assert (again.status_code, again.json()["error_code"]) == (409, "APPROVAL_EXISTS")
    ada = as_("ada")
    assert [one["id"] for one in ada.get("/approvals?mine=true").json()["items"]] == ["a"]
    assert ada.post("/approvals/a/claim").json()["claim"]["by"] == "ada"
    refused = as_("bo").post("/approvals/a/decide", json={"decision": "reject"})
    assert (refused.status_code, refused.json()["error_code"], refused.json()["claimed_by"]) == (409, "APPROVAL_CLAIMED", "ada")  # fmt: skip
    assert as_("ada").delete("/approvals/a/claim").json()["claim"] is None
    assert as_("flow", "operator").post("/approvals/a/comments", json={"text": "please"}).status_code == 201
    decided = as_("bo").post("/approvals/a/decide", json={"decision": "approve", "comment": "fine"})
    assert (decided.status_code, decided.json()["status"]) == (200, "approved")
    assert as_("bo").post("/approvals/a/decide", json={"decision": "approve"}).status_code == 200
    late = as_("ada").post("/approvals/a/decide", json={"decision": "reject"})
    assert (late.status_code, late.json()["error_code"]) == (409, "APPROVAL_CLOSED")
    shown = as_("vi", "viewer").get("/approvals/a").json()
    assert shown["decisions"] == [{"by": "bo", "decision": "approve", "comment": "fine", "at": "2026-01-01T00:00:00Z"}]
    assert shown["delivery"]["state"] == "pending"
    assert as_("ada").get("/approvals?mine=true").json()["items"] == []
    entries = as_("root", "admin").get("/audit/entries?action=approval.*").json()["items"]
    assert [entry["action"] for entry in reversed(entries)] == [
        "approval.requested", "approval.claimed", "approval.released", "approval.commented", "approval.voted", "approval.decided",
    ]  # fmt: skip
    assert {entry["resource"] for entry in entries} == {"approval:a"}


def test_levels_delegation_and_time(as_: As, clock: FakeClock) -> None:
    """Four eyes, delegation, escalation and expiry can be asked for and seen; an answer says who has it until when."""
    levels = {"due_in_s": 60, "escalate_to": {"users": ["cy", "dee"], "due_in_s": 30}, "on_expiry": "reject"}
    asked = {**ASKED, "candidates": {"users": ["ada", "bo"]}, "four_eyes": 2, **levels}
    shown = as_("flow", "operator").post("/approvals", json=asked).json()
    assert (shown["due_at"], shown["missing"]) == ("2026-01-01T00:01:00Z", 2)
    handed = as_("ada").post("/approvals/a/delegate", json={"to": "eve", "comment": "away"}).json()
    assert handed["candidates"]["users"] == ["bo", "eve"]
    back = as_("eve").post("/approvals/a/delegate", json={"to": "ada"})
    assert (back.status_code, back.json()["errors"][0]["path"]) == (422, "body.to")
    as_("bo").post("/approvals/a/decide", json={"decision": "approve"})
    clock.advance(timedelta(seconds=60))
    refused = as_("eve").post("/approvals/a/decide", json={"decision": "approve"})
    assert (refused.status_code, refused.json()["rule"]) == (403, "candidate")
    assert as_("cy").post("/approvals/a/claim").json()["level"] == 1
    clock.advance(timedelta(seconds=30))
    late = as_("cy").post("/approvals/a/decide", json={"decision": "approve"})
    assert (late.status_code, late.json()["status_of_approval"]) == (409, "rejected")


def test_lists_are_pages_with_filters(as_: As) -> None:
    """A list goes on behind its cursor, which fits no other list; unknown filters of status are refused."""
    for number in range(3):
        as_("flow", "operator").post("/approvals", json={**ASKED, "id": f"a{number}"})
    first = as_("vi", "viewer").get("/approvals?limit=2&status=open").json()
    cursor = first["next_cursor"]
    rest = as_("vi", "viewer").get("/approvals", params={"limit": 2, "status": "open", "cursor": cursor}).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == ["a2", "a1", "a0"]
    assert rest["next_cursor"] is None
    assert as_("vi", "viewer").get("/approvals", params={"cursor": cursor}).json()["error_code"] == "CURSOR_INVALID"
    assert as_("vi", "viewer").get("/approvals?status=odd").status_code == 422


def test_a_request_that_makes_no_sense_is_told_where(as_: As) -> None:
    """Every fault is named with its path, those of the fields and those of the rules."""
    flow = as_("flow", "operator")
    answer = flow.post(
        "/approvals", json={"title": "", "four_eyes": 2, "candidates": {"users": ["ada"]}, "signal": "s"}
    )
    assert answer.json()["error_code"] == "INVALID_APPROVAL"
    assert [one["path"] for one in answer.json()["errors"]] == ["body.title", "body.run_id", "body.candidates"]
    both = flow.post("/approvals", json={**ASKED, "due_in_s": 5, "due_at": "2026-01-01T00:00:09Z"})
    assert both.json()["errors"][0]["path"] == "body.due_at"
    past = flow.post("/approvals", json={**ASKED, "due_at": "2025-01-01T00:00:00Z"})
    assert past.json()["errors"][0]["path"] == "body.due_in_s"
    assert flow.post("/approvals", json={**ASKED, "colour": "red"}).json()["errors"][0]["path"] == "body.colour"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("viewer", set()), ("operator", {"ask", "cancel", "comments"}), ("approver", {"ask", "cancel", "comments", "decide", "claim", "delegate"})],
)  # fmt: skip
def test_each_thing_wants_its_role(
    sqlite_database: TemporaryDatabase, tmp_path: Any, role: str, allowed: set[str]
) -> None:
    """Viewers see, operators ask and take back, approvers decide; without a token there is nothing at all."""
    from governance_service.bootstrap import create_app

    bodies = {"decide": {"decision": "approve"}, "delegate": {"to": "bo"}, "comments": {"text": "x"}}
    with in_process_client(create_app(config_for(tmp_path, sqlite_database.url))) as client:
        token = issue_token(SECRET, subject="me", roles=(role,))
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/approvals").status_code == 200
        assert (client.post("/approvals", json=ASKED).status_code != 403) == ("ask" in allowed)
        for action in ("claim", "decide", "delegate", "comments", "cancel"):
            answer = client.post(f"/approvals/nothing/{action}", json=bodies.get(action))
            assert answer.status_code == (404 if action in allowed else 403), answer.text
        del client.headers["Authorization"]
        assert client.get("/approvals").status_code == 401
        assert client.post("/approvals", json=ASKED).status_code == 401


def test_whose_approval_is_meant_is_not_guessed(as_: As) -> None:
    """Where several tenants have one of an id, the platform's admins say whose is meant; others can only mean their own."""
    for tenant in ("acme", "globex"):
        as_("flow", "operator", tenant=tenant).post("/approvals", json=ASKED)
    root = as_("root", "admin")
    for answer in (root.get("/approvals/a"), root.post("/approvals/a/decide", json={"decision": "reject"})):
        assert (answer.status_code, answer.json()["error_code"]) == (409, "APPROVAL_AMBIGUOUS")
        assert (answer.json()["tenants"], "'tenant'" in answer.json()["detail"]) == (["acme", "globex"], True)
    assert root.get("/approvals/a?tenant=").status_code == 404
    assert root.get("/approvals/a?tenant=globex").json()["tenant"] == "globex"
    assert root.post("/approvals/a/cancel?tenant=acme").json()["status"] == "cancelled"
    assert as_("x", tenant="globex").get("/approvals/a").json()["status"] == "open"
    as_("flow", "operator").post("/approvals", json=ASKED)
    assert as_("root", "admin").get("/approvals/a").json()["tenants"] == [None, "acme", "globex"]
    assert as_("root", "admin").get("/approvals/a?tenant=").json()["tenant"] is None
    for caller in (as_("x", "admin", tenant="acme"), as_("x", "approver")):
        assert caller.get("/approvals/a?tenant=globex").json()["error_code"] == "OTHER_TENANT"
