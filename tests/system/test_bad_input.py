"""What goes wrong gets a clear error and loses nothing."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
SERVICES = ("intelligence-service", "maestro-orchestrator")
"""What is asked here; the rest is left out."""

BROKEN = """\
document:
  dsl: '1.0.3'
  namespace: tests
  name: broken
  version: '1.0.0'
do:
  - greet:
      cal: http
  - pause:
      wait: {secnds: 1}
  - answer:
      set:
        value: ${ .[ }
"""


def test_an_invalid_document_lists_every_fault_with_its_path(ecosystem, tmp_path):
    """Three faults, three paths, and nothing is registered."""
    with ecosystem.client("maestro-orchestrator") as api:
        answer = api.put("/workflows/tests/broken/1.0.0", content=BROKEN, headers={"content-type": "application/yaml"})
        assert answer.status_code == 422
        problem = answer.json()
        assert problem["error_code"] == "INVALID_WORKFLOW"
        paths = [fault["path"] for fault in problem["errors"]]
        assert [path.split("/")[3] for path in paths if path.startswith("/do/")] == ["greet", "pause", "answer"]
        assert api.get("/workflows/tests/broken").status_code == 404
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    done = ecosystem.cli("workflow", "run", str(file))
    assert done.returncode != 0
    assert all(path in done.stdout + done.stderr for path in paths)


def test_an_unknown_persona_names_those_there_are(ecosystem):
    """A misspelt persona says what to choose from."""
    with ecosystem.client("intelligence-service") as api:
        answer = api.post("/analyze", json={"persona": "licence-analist", "input": {"text": "x"}})
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "PERSONA_NOT_FOUND"
    assert "license-analyst" in answer.text


@pytest.mark.parametrize("service", ["maestro-orchestrator", "intelligence-service", "central-registry"])
def test_a_wrong_token_is_refused_by_every_service(ecosystem, service):
    """Forged and missing tokens get 401 with the rule that applied; health stays open."""
    path = {"maestro-orchestrator": "/runs", "intelligence-service": "/analyze", "central-registry": "/services"}[
        service
    ]
    with ecosystem.client(service, token="forged") as api:
        forged = api.get(path)
        del api.headers["authorization"]
        missing = api.get(path)
        assert api.get("/health/ready").status_code == 200
    for answer in (forged, missing):
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["rule"]
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_corrupt_configuration_file_stops_the_start_with_file_and_line(mended):
    """The person sees which line of which file to mend; mended, it starts."""
    _, said = mended
    assert "intelligence-service.yaml:" in said


def test_an_unreachable_model_says_so_and_licences_are_recognised_without_it(mended):
    """Without a model, what needs one fails clearly and what does not goes on."""
    ecosystem, _ = mended
    with ecosystem.client("intelligence-service") as api:
        answer = api.post(
            "/analyze", json={"persona": "summarizer", "input": "A long text about nothing in particular."}
        )
        assert answer.status_code == 503
        problem = answer.json()
        assert problem["error_code"] == "MODEL_UNAVAILABLE"
        assert "127.0.0.1:9" in answer.text
        license_text = (Path(__file__).parents[2] / "LICENSE").read_text()
        recognized = api.post("/analyze", json={"persona": "license-analyst", "input": {"text": license_text}})
        assert recognized.status_code == 200, recognized.text
        assert recognized.json()["result"]["expression"] == "Apache-2.0"


def test_a_taken_port_stops_the_start_with_the_port_and_the_reason(quiet_ecosystem):
    """A port that somebody else has is named, and nothing keeps running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        quiet_ecosystem.environ["MAESTRO_ORCHESTRATOR_PORT"] = str(port)
        done = quiet_ecosystem.cli("up", "--detach")
    assert done.returncode != 0
    assert str(port) in done.stdout + done.stderr
    assert quiet_ecosystem.cli("status").returncode == 3


def test_a_full_disk_refuses_what_is_new_and_loses_nothing(quiet_ecosystem, poll):
    """With .maestro full, starts are refused by name; with room again, everything acknowledged goes on."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    folder = quiet_ecosystem.folder / ".maestro"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        quiet_ecosystem.up("maestro-orchestrator")
        with quiet_ecosystem.client("maestro-orchestrator") as api:
            document = (
                BROKEN.split("do:", maxsplit=1)[0].replace("broken", "waiter")
                + "do:\n  - pause:\n      wait: {seconds: 2}\n"
            )
            put = api.put(
                "/workflows/tests/waiter/1.0.0", content=document, headers={"content-type": "application/yaml"}
            )
            assert put.status_code == 201, put.text
            assert api.post("/runs", json={"workflow": "tests/waiter", "id": "before"}).status_code == 202
            filler = folder / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"\0" * 4096)
                except OSError:
                    pass
            refused = poll(
                lambda: (
                    (
                        answer := api.post("/runs", json={"workflow": "tests/waiter", "input": {"pad": "x" * 20_000}})
                    ).status_code
                    != 202
                    and answer
                ),
                "a start is refused",
            )
            assert refused.status_code in (503, 507)
            assert refused.json()["error_code"] == "STORAGE_UNAVAILABLE"
            filler.unlink()
            run = poll(
                lambda: (found := api.get("/runs/before").json())["status"] != "running" and found, "it has ended"
            )
            assert run["status"] == "completed"
            poll(
                lambda: api.post("/runs", json={"workflow": "tests/waiter", "id": "after"}).status_code == 202,
                "starts are accepted again",
            )
        assert quiet_ecosystem.cli("down").returncode == 0
    finally:
        quiet_ecosystem.cli("down")
        subprocess.run(["umount", str(folder)], check=True)
