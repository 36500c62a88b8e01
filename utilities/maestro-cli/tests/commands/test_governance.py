"""Against a real governance service and registry: policies, approvals, scorecards."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maestro_cli.testing import Workspace

CERTIFI = ("--principal", "Service::review", "--resource", "Distribution::certifi", "-a", "confidence=0.98")
SCHEMA = "entity User; entity Door = { open: Bool }; action enter appliesTo { principal: [User], resource: Door };"
RULES = """// Who may come in.
@id("open") @text("The door {resource} is open.") permit (principal, action, resource) when { resource.open };
"""
TESTS = """
- name: an open door
  principal: {type: User, id: ada}
  action: enter
  resource: {type: Door, id: front, attributes: {open: true}}
  expect: allow
"""


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace(
        tmp_path_factory.mktemp("governed"), real=("maestro-governance-service", "maestro-central-registry")
    )
    try:
        space.up("governance-service")
        yield space
    finally:
        space.clean()


def ok(space: Workspace, *arguments: str) -> str:
    done = space.ask(*arguments)
    assert done.returncode == 0, done.stderr + done.stdout
    return str(done.stdout)


def as_json(space: Workspace, *arguments: str) -> Any:
    return json.loads(ok(space, *arguments, "--json"))


def write(folder: Path, *, rules: str = RULES, tests: str = TESTS) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "doors.cedar").write_text(rules)
    (folder / "doors.cedarschema").write_text(SCHEMA)
    (folder / "doors.tests.yaml").write_text(tests)
    return str(folder)


def test_policies_in_files_are_tested_without_a_service(governed: Workspace, tmp_path: Path) -> None:
    """Passes end with 0, failures and faults with 1 and say what is wrong; a place where nothing is is a usage error."""
    place = write(tmp_path / "policies")
    done = governed.ask("policy", "test", place)
    assert (done.returncode, done.stdout) == (0, "ok     doors: an open door\n")
    write(tmp_path / "policies", tests=TESTS.replace("allow", "deny"))
    done = governed.ask("policy", "test", place)
    assert (done.returncode, "expected deny, got allow (open: The door front is open.)" in done.stdout) == (1, True)
    write(tmp_path / "policies", rules="permit(")
    done = governed.ask("policy", "test", place, "--json")
    (report,) = json.loads(done.stdout)
    assert (done.returncode, report["faults"][0]["path"]) == (1, "text")
    assert governed.ask("policy", "test", "nowhere").returncode == 2


def test_without_a_package_that_knows_policies_it_says_what_to_install(workspace: Workspace) -> None:
    """Where the governance service is not installed, its absence is told, and how to end it."""
    done = workspace.ask("policy", "test", ".")
    assert (done.returncode, "pip install maestro-governance-service" in done.stderr) == (1, True)


def test_a_policy_is_applied_tried_out_asked_and_explained(governed: Workspace) -> None:
    """From files into force, asked with an exit status for each answer, explained by its id, changed after a dry run."""
    place = write(governed.folder / "policies")
    assert ok(governed, "policy", "apply", place) == "doors: version 1 in force now\n"
    assert ok(governed, "policy", "apply", place) == "doors: version 1 was in force already\n"
    assert [one["name"] for one in as_json(governed, "policy", "list")] == ["doors", "licences"]
    door = ("policy", "check", "doors", "enter", "--principal", "User::ada", "--resource", "Door::front")
    allowed = governed.ask(*door, "-a", "open=true", "--record", "--json")
    assert (allowed.returncode, json.loads(allowed.stdout)["decision"]) == (0, "allow")
    explained = ok(governed, "policy", "explain", json.loads(allowed.stdout)["decision_id"])
    assert "The door front is open." in explained
    denied = governed.ask(*door, "-a", "open=false")
    assert (denied.returncode, "default-deny" in denied.stdout) == (1, True)
    pending = governed.ask("policy", "check", "licences", "use", *CERTIFI, "-a", 'licenses=["MPL-2.0"]')
    assert (pending.returncode, "MPL-2.0 is weak copyleft" in pending.stdout) == (4, True)
    write(governed.folder / "policies", rules=RULES.replace("when {", "unless {"), tests="[]")
    tried = ok(governed, "policy", "apply", place, "--dry-run")
    assert "of the latest 1 decision, 1 would change" in tried
    assert "front: allow -> deny" in tried
    assert governed.ask("policy", "apply", place, "--if-version", "7").returncode == 1
    assert ok(governed, "policy", "apply", place, "--if-version", "1") == "doors: version 2 in force now\n"
    assert "unless" in ok(governed, "policy", "show", "doors", "--text")
    assert "The door {resource} is open." in ok(governed, "policy", "show", "doors", "--version", "1")
    assert governed.ask("policy", "show", "windows").returncode == 1


def ask(space: Workspace, approval_id: str, **more: Any) -> None:
    import httpx2

    url = next(one["url"] for one in space.status()["services"] if one["name"] == "governance-service")
    token = ok(space, "token").strip()
    body = {"id": approval_id, "title": f"May {approval_id} be used?", **more}
    answer = httpx2.post(f"{url}/approvals", json=body, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert answer.status_code == 201, answer.text


def test_people_decide_on_the_command_line(governed: Workspace) -> None:
    """What waits is listed and shown; people claim, comment, delegate, approve and reject it under their names."""
    ask(governed, "certifi", candidates={"users": ["ada", "bo"]}, four_eyes=2, context={"license": "MPL-2.0"})
    ask(governed, "pylint")
    ada, bo = ("approval", "--as", "ada"), ("approval", "--as", "bo")
    assert {one["id"] for one in as_json(governed, *ada, "list", "--mine")} == {"certifi", "pylint"}
    assert "May certifi be used?" in ok(governed, *ada, "list")
    ok(governed, *ada, "claim", "certifi")
    held = governed.ask(*bo, "approve", "certifi")
    assert (held.returncode, "ada has claimed it" in held.stderr) == (1, True)
    ok(governed, *ada, "claim", "certifi", "--release")
    ok(governed, *ada, "comment", "certifi", "looks harmless")
    assert as_json(governed, *ada, "approve", "certifi", "-c", "we only link it")["missing"] == 1
    ok(governed, *bo, "delegate", "certifi", "cy", "-c", "away")
    assert governed.ask(*bo, "approve", "certifi").returncode == 1
    assert as_json(governed, "approval", "--as", "cy", "approve", "certifi")["status"] == "approved"
    shown = ok(governed, *ada, "show", "certifi")
    for said in ("approved", "license: MPL-2.0", "we only link it", "delegates to cy", "looks harmless"):
        assert said in shown
    assert as_json(governed, *bo, "reject", "pylint", "-c", "GPL")["status"] == "rejected"
    assert ok(governed, *ada, "list") == ""
    assert len(as_json(governed, *ada, "list", "--all")) == 2
    ask(governed, "late")
    assert as_json(governed, *ada, "cancel", "late")["status"] == "cancelled"


def test_one_of_several_approvals_of_an_id_is_named_by_its_tenant(governed: Workspace) -> None:
    """Without a tenant the answer is an error whose hint has the options; with one each call reaches its approval alone."""
    candidates = {"users": ["ada"]}
    for tenant in ("acme", "globex", None):
        ask(governed, "shared", tenant=tenant, candidates=candidates)
    ada = ("approval", "--as", "ada")
    unclear = governed.ask(*ada, "approve", "shared")
    assert (unclear.returncode, "APPROVAL_AMBIGUOUS" in unclear.stderr) == (1, True)
    for choice in ("--tenant acme", "--tenant globex", "--tenant '' (the platform's own)"):
        assert choice in " ".join(unclear.stderr.split())
    acme, globex, ours = (("--tenant", tenant) for tenant in ("acme", "globex", ""))
    ok(governed, *ada, "claim", "shared", *ours)
    ok(governed, *ada, "claim", "shared", "--release", *ours)
    ok(governed, *ada, "delegate", "shared", "cy", *ours)
    assert as_json(governed, "approval", "--as", "cy", "approve", "shared", *ours)["status"] == "approved"
    refused = governed.ask(*ada, "reject", "shared", *acme)
    assert (refused.returncode, "ada is not of acme, whose people decide" in refused.stderr) == (1, True)
    ok(governed, *ada, "comment", "shared", "no longer needed", *acme)
    assert as_json(governed, *ada, "cancel", "shared", *acme)["status"] == "cancelled"
    shown = as_json(governed, *ada, "show", "shared", *globex)
    assert (shown["status"], shown["comments"], shown["delegations"]) == ("open", [], [])


def test_a_scorecard_below_its_threshold_ends_with_1(governed: Workspace) -> None:
    """Every registered service is looked at; the exit status says whether all reach the threshold; a line says what to do."""
    low = governed.ask("scorecard", "governance-service", "--threshold", "100", "--json")
    card = json.loads(low.stdout)
    assert (low.returncode, card["service"]) == (1, "governance-service")
    states = {result["check"]: result["state"] for result in card["results"]}
    assert states["dependencies"] == states["configuration"] == states["errors"] == "passed"
    assert governed.ask("scorecard", "governance-service", "--threshold", "30").returncode == 0
    everything = as_json(governed, "scorecard", "--threshold", "0")
    assert "governance-service" in {one["service"] for one in everything}
    assert "attestations" in governed.ask("scorecard", "governance-service", "--latest").stdout
    assert governed.ask("scorecard", "nobody").returncode == 1
