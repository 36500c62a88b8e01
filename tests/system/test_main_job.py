"""The main job on the real ecosystem, and what becomes of it when the orchestrator is killed."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

DOCUMENTS = {
    name: files("dependency_review").joinpath(f"{name}.yaml").read_text()
    for name in ("license-review", "license-policy", "license-approval")
}


def start_review(api: Any, run_id: str, output: Path, **options: Any) -> None:
    for name, text in DOCUMENTS.items():
        registered = api.put(
            f"/workflows/examples/{name}/1.0.0", content=text, headers={"content-type": "application/yaml"}
        )
        assert registered.status_code in (200, 201), registered.text
    body = {"workflow": "examples/dependency-review", "id": run_id, "input": {"output_dir": str(output), **options}}
    started = api.post("/runs", json=body)
    assert started.status_code == 202, started.text
    assert started.headers["location"] == f"/runs/{run_id}"


def children(api: Any, run_id: str) -> list[dict[str, Any]]:
    return [run for run in api.get("/runs", params={"limit": 1000}).json()["runs"] if run["parent_id"] == run_id]


@dataclass(frozen=True)
class Reviewed:
    """A review of this whole environment, in the middle of which the orchestrator was killed."""

    run: dict[str, Any]
    reviews: list[dict[str, Any]]
    journalled: dict[str, datetime]
    """When each step completed, by its key, as the runs' histories tell it."""
    repeated: list[str]
    """Runs whose histories have a step twice."""


@pytest.fixture(scope="module")
def reviewed(ecosystem, poll, tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    """Review everything that is installed; SIGKILL the orchestrator while reviews run; the supervisor starts it again."""
    with ecosystem.client("maestro-orchestrator") as api:
        start_review(api, "whole", tmp_path_factory.mktemp("whole"), concurrency=8)
        poll(
            lambda: sum(run["status"] == "completed" for run in children(api, "whole")) >= 5,
            "five reviews are complete",
        )
        before = ecosystem.service("maestro-orchestrator")
        os.kill(before["pid"], signal.SIGKILL)
        poll(
            lambda: (
                (now := ecosystem.service("maestro-orchestrator"))["state"] == "ready" and now["pid"] != before["pid"]
            ),
            "the orchestrator is back",
        )
        poll(
            lambda: ecosystem.cli("approval", "--as", "ada", "approve", "whole").returncode == 0,
            "the question to those who approve is there, and answered",
            deadline_s=480,
        )
        run = poll(
            lambda: (found := api.get("/runs/whole").json())["status"] != "running" and found,
            "the run has ended",
            deadline_s=480,
        )
        assert run["status"] == "completed", run["error"]
        journalled: dict[str, datetime] = {}
        repeated: list[str] = []
        for run_id in ["whole", *(child["id"] for child in children(api, "whole"))]:
            events = api.get(f"/runs/{run_id}/history").json()["events"]
            steps = [event for event in events if event["type"] == "step_completed"]
            if max(Counter(event["seq"] for event in steps).values()) > 1:
                repeated.append(run_id)
            for event in steps:
                journalled[f"{run_id}/{event['seq']}"] = datetime.fromisoformat(event["time"])
    reviews = json.loads(Path(run["output"]["report_json"]).read_text())["reviews"]
    return Reviewed(run, reviews, journalled, repeated)


def test_killed_in_the_middle_every_distribution_appears_once_and_no_finished_step_ran_twice(ecosystem, reviewed):
    """The report is complete and exact, although the orchestrator died while reviews ran."""
    names = [review["name"] for review in reviewed.reviews]
    assert len(names) == reviewed.run["output"]["distributions"]
    assert max(Counter(names).values()) == 1
    assert Path(reviewed.run["output"]["report_html"]).stat().st_size > 1000
    assert reviewed.repeated == []
    # The log is an outside record of every attempt that was started, before the kill and after it.
    attempts = [line for line in ecosystem.log("maestro-orchestrator") if line["event"] == "Step started"]
    attempts = [line for line in attempts if line["key"] in reviewed.journalled]
    assert {line["key"] for line in attempts} == set(reviewed.journalled)
    for line in attempts:
        finished = reviewed.journalled[line["key"]]
        assert datetime.fromisoformat(line["timestamp"]) <= finished, f"{line['key']} ran again"


def test_the_inventory_is_that_of_this_environment(reviewed):
    """The job's input is real: the distributions that Python itself finds installed."""
    normalized = {
        name.lower().replace("_", "-").replace(".", "-")
        for name in (d.name for d in importlib.metadata.distributions())
    }
    names = {review["name"].lower().replace("_", "-").replace(".", "-") for review in reviewed.reviews}
    assert names == normalized
    output = reviewed.run["output"]
    assert output["failed"] == 0
    assert output["compared"] >= 20
    assert output["match_rate"] >= 0.7


def test_the_policy_was_asked_and_a_person_decided(ecosystem, reviewed):
    """Every distribution has an answer; what needed an approval was approved once, by the person who said so."""
    policy = reviewed.run["output"]["policy"]
    assert policy["unanswered"] == 0
    assert policy["allowed"] + policy["needs_approval"] + policy["denied"] == len(reviewed.reviews)
    assert policy["needs_approval"] >= 1
    assert (policy["approval"]["decision"], policy["approval"]["by"]) == ("approve", ["ada"])
    shown = json.loads(ecosystem.cli("approval", "show", "whole", "--json").stdout)
    assert shown["status"] == "approved"


def test_the_bill_of_materials_is_accepted_by_its_schema(reviewed):
    """What was reviewed is in it, once, and CycloneDX's own validator has nothing against it."""
    text = Path(reviewed.run["output"]["sbom"]).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert len(json.loads(text)["components"]) == len(reviewed.reviews)


def test_one_trace_id_finds_the_run_in_every_service(ecosystem, poll, tmp_path):
    """The trace of whoever started the run is on the orchestrator's steps and on the analysis's log lines."""
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    with ecosystem.client("maestro-orchestrator") as api:
        api.headers["traceparent"] = f"00-{trace_id}-b7ad6b7169203331-01"
        start_review(api, "traced", tmp_path, limit=2)
        del api.headers["traceparent"]
        run = poll(
            lambda: (found := api.get("/runs/traced").json())["status"] != "running" and found, "the run has ended"
        )
        assert run["trace_id"] == trace_id
    for service in ("maestro-orchestrator", "intelligence-service"):
        assert any(line.get("trace_id") == trace_id for line in ecosystem.log(service)), service

    def services_by_kind() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {"request": set(), "step": set(), "call": set(), "log": set()}
        for entry in json.loads(ecosystem.cli("trace", "traced", "--json").stdout)["entries"]:
            found.setdefault(entry["kind"], set()).add(entry["service"])
        return found

    asked = {"maestro-orchestrator", "intelligence-service", "governance-service"}
    seen = poll(  # each service hands its spans on when it gets to it
        lambda: (found := services_by_kind())["request"] >= asked and all(found.values()) and found,
        "every service's spans have come",
    )
    assert seen["step"] == {"maestro-orchestrator"}


def test_a_page_signs_in_through_the_gateway_and_follows_a_run(ecosystem, typescript):
    """The TypeScript client, through Envoy: a session that is refreshed, typed calls, pages, a live stream, a denial."""
    address = ecosystem.service("gateway")["url"]
    token = ecosystem.cli("token", "--role", "admin").stdout.strip()
    seen = typescript("shared/api-client-js/tests/system/through-the-gateway.ts", address, token)
    assert seen["subject"] == "grace"
    assert seen["refreshed"] is True
    assert seen["events"] == [*seen["history"], "complete"]
    assert seen["listed"] == 1
    assert seen["denied"] == {"status": 403, "rule": "role:admin"}
    with ecosystem.client("maestro-orchestrator") as api:
        assert api.get("/runs/followed-1").json()["trace_id"] == seen["traceId"]


def test_the_idle_ecosystem_stays_below_a_gigabyte_and_a_half(ecosystem):
    """Every process of the environment, the language model included, resident in memory."""
    status = ecosystem.status()
    assert {service["name"] for service in status["services"]} >= {
        "central-registry", "gateway", "governance-service", "intelligence-service", "maestro-orchestrator", "nats",
        "orchestration-gateway", "telemetry-store",
    }  # fmt: skip
    assert status["memory_bytes"] < 3 * 2**29
