from typing import Any

import pytest
from starlette.testclient import TestClient

from governance_service.config import GovernanceServiceConfig
from maestro_core_api import MaestroAPI
from maestro_core_api.testing import token_for

ENTRY = {"actor": "ada", "action": "workflow.start", "resource": "run:1", "details": {"n": 1.5, "text": "\u00fc"}}


@pytest.fixture
def post(client: TestClient) -> Any:
    def send(**fields: Any) -> Any:
        return client.post("/audit/entries", json={**ENTRY, **fields})

    return send


def test_what_a_service_says_is_kept_and_signed_for(client: TestClient, post: Any) -> None:
    """An entry has its place, the name of the service whose token it came with, and a hash; the trail is intact and anchored that far."""
    answer = post()
    assert answer.status_code == 201, answer.text
    entry = answer.json()
    assert (entry["position"], entry["service"], entry["details"]) == (1, "test", ENTRY["details"])
    second = post(actor="bob").json()
    assert second["previous_hash"] == entry["hash"]
    verdict = client.get("/audit/verification").json()
    assert verdict["intact"], verdict
    assert (verdict["head"], verdict["anchored"], verdict["head_hash"]) == (2, 2, second["hash"])


def test_the_same_entry_is_kept_once(post: Any) -> None:
    """An id that is sent again gives the same entry; with other content it is refused."""
    first = post(id="run-1:start")
    again = post(id="run-1:start")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    differs = post(id="run-1:start", actor="mallory")
    assert (differs.status_code, differs.json()["error_code"]) == (409, "AUDIT_ENTRY_DIFFERS")
    assert post().json()["position"] == 2


def test_entries_are_found_by_what_they_say(client: TestClient, post: Any) -> None:
    """Entries are found by trace, actor, action, resource and time, the newest first, in pages."""
    trace = "a" * 32
    for number in range(5):
        post(actor="ada" if number % 2 else "bob", resource=f"run:{number}", trace_id=trace if number == 3 else None)
    post(action="user.create")

    def found(**query: Any) -> list[int]:
        return [entry["position"] for entry in client.get("/audit/entries", params=query).json()["items"]]

    assert found() == [6, 5, 4, 3, 2, 1]
    assert found(trace_id=trace) == [4]
    assert found(actor="ada") == [6, 4, 2]
    assert found(action="workflow.*") == [5, 4, 3, 2, 1]
    assert found(action="work_low.*") == []
    assert found(action="user.create") == [6]
    assert found(resource="run:0") == [1]
    since = client.get("/audit/entries", params={"limit": 1}).json()["items"][0]["time"]
    assert found(since=since) == [6]
    assert found(until=since) == [5, 4, 3, 2, 1]
    page = client.get("/audit/entries", params={"limit": 4}).json()
    rest = client.get("/audit/entries", params={"limit": 4, "cursor": page["next_cursor"]}).json()
    assert [entry["position"] for entry in page["items"] + rest["items"]] == [6, 5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None


def test_a_record_that_cannot_be_kept_is_refused_with_every_fault(post: Any) -> None:
    """Each fault is named with its field, and nothing is appended."""
    answer = post(actor="a\nb", action="No Action", trace_id="xyz", details={"n": 2**60 + 1})
    assert answer.status_code == 422
    paths = {fault["path"] for fault in answer.json()["errors"]}
    assert paths == {"body.actor", "body.action", "body.trace_id", "body.details"}
    assert post(details={"text": "x" * 20_000}).status_code == 422
    assert post().json()["position"] == 1


def test_only_services_write_and_only_auditors_read(app: MaestroAPI, client: TestClient, post: Any) -> None:
    """A viewer neither writes nor reads; an auditor reads and does not write, export or verify."""
    post()
    for roles, may_read in ((["viewer"], False), (["operator"], False), (["auditor"], True), (["admin"], True)):
        headers = {"Authorization": f"Bearer {token_for(app, roles=roles)}"}
        assert (client.get("/audit/entries", headers=headers).status_code == 200) is may_read
        exported = client.get("/audit/export", headers=headers).status_code
        assert exported == (200 if roles == ["admin"] else 403)
    viewer = {"Authorization": f"Bearer {token_for(app, roles=['viewer'])}"}
    assert client.post("/audit/entries", json=ENTRY, headers=viewer).status_code == 403


def test_damaged_checkpoints_are_not_exported(client: TestClient, config: GovernanceServiceConfig) -> None:
    """A line that is no checkpoint is said to be one by an error, and named by verification."""
    assert client.get("/audit/export").status_code == 200
    with (config.audit_anchors / "checkpoints.jsonl").open("a") as file:
        file.write("no checkpoint\n")
    answer = client.get("/audit/export")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "AUDIT_CHECKPOINTS_UNREADABLE")
    assert client.get("/audit/verification").json()["broken"]["fault"] == "checkpoint-forged"
