"""The main job on the real ecosystem, and what becomes of it when the orchestrator is killed."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
from collections import Counter
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("main-job")]

REVIEW = files("dependency_review").joinpath("license-review.yaml").read_text()
LIMIT = 40


def start_review(api: Any, run_id: str, output: Path, **options: Any) -> None:
    registered = api.put(
        "/workflows/examples/license-review/1.0.0", content=REVIEW, headers={"content-type": "application/yaml"}
    )
    assert registered.status_code in (200, 201), registered.text
    body = {"workflow": "examples/dependency-review", "id": run_id, "input": {"output_dir": str(output), **options}}
    started = api.post("/runs", json=body)
    assert started.status_code == 202, started.text
    assert started.headers["location"] == f"/runs/{run_id}"


def children(api: Any, run_id: str) -> list[dict[str, Any]]:
    return [run for run in api.get("/runs", params={"limit": 1000}).json()["runs"] if run["parent_id"] == run_id]


def test_killed_in_the_middle_every_distribution_appears_once_and_no_finished_step_ran_twice(ecosystem, poll, tmp_path):
    """SIGKILL the orchestrator while reviews run; the supervisor starts it again and the report is complete and exact."""
    with ecosystem.client("maestro-orchestrator") as api:
        start_review(api, "killed", tmp_path, limit=LIMIT, concurrency=4)
        poll(
            lambda: sum(run["status"] == "completed" for run in children(api, "killed")) >= 5,
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
        run = poll(
            lambda: (found := api.get("/runs/killed").json())["status"] != "running" and found, "the run has ended"
        )
        assert run["status"] == "completed", run["error"]
        assert run["output"]["distributions"] == LIMIT

        report = json.loads(Path(run["output"]["report_json"]).read_text())
        names = [review["name"] for review in report["reviews"]]
        assert len(names) == LIMIT
        assert max(Counter(names).values()) == 1
        assert Path(run["output"]["report_html"]).stat().st_size > 1000

        journalled: dict[str, datetime] = {}
        for run_id in ["killed", *(child["id"] for child in children(api, "killed"))]:
            events = api.get(f"/runs/{run_id}/history").json()["events"]
            steps = [event for event in events if event["type"] == "step_completed"]
            assert max(Counter(event["seq"] for event in steps).values()) == 1
            for event in steps:
                journalled[f"{run_id}/{event['seq']}"] = datetime.fromisoformat(event["time"])

    # The log is an outside record of every attempt that was started, before the kill and after it.
    attempts = [line for line in ecosystem.log("maestro-orchestrator") if line["event"] == "Step started"]
    assert set(journalled) <= {line["key"] for line in attempts}
    for line in attempts:
        finished = journalled.get(line["key"])
        assert finished is None or datetime.fromisoformat(line["timestamp"]) <= finished, f"{line['key']} ran again"


def test_the_inventory_is_that_of_this_environment(ecosystem, poll, tmp_path):
    """The job's input is real: the distributions that Python itself finds installed."""
    with ecosystem.client("maestro-orchestrator") as api:
        start_review(api, "whole", tmp_path, concurrency=8)
        run = poll(
            lambda: (found := api.get("/runs/whole").json())["status"] != "running" and found, "the run has ended"
        )
        report = json.loads(Path(run["output"]["report_json"]).read_text())
    normalized = {
        name.lower().replace("_", "-").replace(".", "-")
        for name in (d.name for d in importlib.metadata.distributions())
    }
    assert {review["name"].lower().replace("_", "-").replace(".", "-") for review in report["reviews"]} == normalized
    assert run["output"]["failed"] == 0
    assert run["output"]["compared"] >= 20
    assert run["output"]["match_rate"] >= 0.7


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


def test_the_idle_ecosystem_stays_below_a_gigabyte(ecosystem):
    """Every process of the environment, the language model included, resident in memory."""
    status = ecosystem.status()
    assert {service["name"] for service in status["services"]} == {
        "central-registry", "intelligence-service", "maestro-orchestrator",
    }  # fmt: skip
    assert status["memory_bytes"] < 2**30
