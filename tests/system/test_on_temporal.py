"""The ecosystem with its runs on Temporal: the main job, from the command line to its report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.system]

LIMIT = 6
TIMEOUT_S = 300.0


def processes(home: Path) -> list[int]:
    """Find what runs in an environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("MAESTRO_HOME") == str(home):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def report(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Read the reviews of a demo's report, without what differs from run to run."""
    assert done.returncode == 0, done.stdout + done.stderr
    reviews = json.loads(Path(json.loads(done.stdout)["report_json"]).read_text())["reviews"]
    for review in reviews:
        # Ids are of one run.
        del review["review_id"], review["policy"]["decision_id"]
    return reviews


@pytest.mark.timeout(900)
def test_the_demo_says_the_same_on_temporal(quiet_ecosystem):
    """Its report is that of the journal; nothing is left running; its run is there at the next start."""
    home = quiet_ecosystem.folder / ".maestro"
    first = quiet_ecosystem.cli("demo", "--engine", "temporal", "--limit", str(LIMIT), "--json", timeout=TIMEOUT_S)
    left = processes(home)
    journal = quiet_ecosystem.cli("demo", "--limit", str(LIMIT), "--json", timeout=TIMEOUT_S)

    assert "temporal is ready at temporal://127.0.0.1:" in first.stderr
    assert left == []
    assert len(report(first)) == LIMIT
    assert report(first) == report(journal)

    assert quiet_ecosystem.cli("up", "--detach", "--engine", "temporal").returncode == 0
    with quiet_ecosystem.client("maestro-orchestrator") as api:
        runs = api.get("/runs", params={"workflow": "examples/dependency-review"}).json()["runs"]
        assert [run["status"] for run in runs] == ["completed"]
    assert quiet_ecosystem.cli("down").returncode == 0
    assert processes(home) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ctrl_c_in_the_middle_leaves_nothing(quiet_ecosystem, poll):
    """The demo ends with 130 and everything that it has started; one that is begun afterwards completes."""
    home = quiet_ecosystem.folder / ".maestro"
    log = quiet_ecosystem.folder / "demo.log"
    with log.open("w") as output:
        demo = subprocess.Popen(
            [*quiet_ecosystem.command, "demo", "--engine", "temporal"],
            cwd=quiet_ecosystem.folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        poll(lambda: "distributions to review" in log.read_text(), "the reviews have begun")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(TIMEOUT_S) == 130, log.read_text()
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()
    assert "Traceback" not in log.read_text()
    assert processes(home) == []
    again = quiet_ecosystem.cli("demo", "--engine", "temporal", "--limit", "2", "--json", timeout=TIMEOUT_S)
    assert len(report(again)) == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_server_and_a_killed_orchestrator_lose_nothing(quiet_ecosystem, poll):
    """SIGKILL both while reviews run: they are started again, and the report has every distribution once."""
    assert quiet_ecosystem.cli("up", "--detach", "--engine", "temporal").returncode == 0
    with quiet_ecosystem.client("maestro-orchestrator") as api:
        document = Path(__file__).parents[2] / "examples/dependency-review/src/dependency_review/license-review.yaml"
        api.put("/workflows/examples/license-review/1.0.0", content=document.read_text())
        body = {
            "workflow": "examples/dependency-review",
            "id": "r",
            "input": {"limit": 20, "concurrency": 4, "policy": None},
        }
        assert api.post("/runs", json=body).status_code == 202

        def reviewed() -> int:
            found = api.get("/runs", params={"parent": "r", "status": "completed", "limit": 100})
            return len(found.json()["runs"]) if found.status_code == 200 else 0

        for name, count in (("maestro-orchestrator", 2), ("temporal", 6)):
            poll(lambda count=count: reviewed() >= count, f"{count} reviews are complete")
            before = quiet_ecosystem.service(name)
            os.kill(before["pid"], signal.SIGKILL)
            poll(
                lambda name=name, before=before: (
                    (now := quiet_ecosystem.service(name))["state"] == "ready" and now["pid"] != before["pid"]
                ),
                f"{name} is back",
            )
            poll(lambda: api.get("/health/ready").status_code == 200, "the orchestrator is ready")
        run = poll(lambda: _ended(api), "the run has ended")
        assert run["status"] == "completed", run["error"]
        names = [review["name"] for review in json.loads(Path(run["output"]["report_json"]).read_text())["reviews"]]
        assert len(names) == 20
        assert max(Counter(names).values()) == 1
        assert run["output"]["failed"] == 0


def _ended(api: Any) -> dict[str, Any] | None:
    answer = api.get("/runs/r")
    if answer.status_code != 200:  # the cluster may be on its way back
        time.sleep(0.1)
        return None
    run: dict[str, Any] = answer.json()
    return None if run["status"] == "running" else run
