import json
import os
import signal

from maestro_cli.testing import Workspace, until


def test_status_when_nothing_runs(workspace: Workspace) -> None:
    """Without an environment the exit code is 3, as text and as JSON."""
    text, data = workspace.ask("status"), workspace.ask("status", "--json")

    assert text.returncode == data.returncode == 3
    assert "maestro up" in text.stderr
    assert json.loads(data.stdout)["running"] is False


def test_status_of_an_environment(workspace: Workspace) -> None:
    """The status names each service with process, address, restarts and memory."""
    workspace.up()

    text, report = workspace.ask("status"), workspace.status()

    assert text.returncode == 0
    for service in report["services"]:
        assert service["state"] == "ready"
        assert service["memory_bytes"] > 1_000_000
        assert service["restarts"] == 0
        assert service["url"] in text.stdout
    assert report["memory_bytes"] > sum(service["memory_bytes"] for service in report["services"])


def test_status_of_a_service_that_hangs(workspace: Workspace) -> None:
    """A service that runs but does not answer any more is unhealthy."""
    workspace.up()
    pid = workspace.service("maestro-orchestrator")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        states = {service["name"]: service["state"] for service in workspace.status()["services"]}
    finally:
        os.kill(pid, signal.SIGCONT)

    assert states == {"central-registry": "ready", "maestro-orchestrator": "unhealthy"}


def test_status_of_a_service_that_keeps_crashing(workspace: Workspace) -> None:
    """A service that dies again and again is shown as backing off, with what it ended with."""
    workspace.up()
    (workspace.site / "tiny_maestro_orchestrator.py").write_text("raise SystemExit(9)\n")

    os.kill(workspace.service("maestro-orchestrator")["pid"], signal.SIGKILL)

    until(lambda: workspace.service("maestro-orchestrator")["restarts"] == 2)
    until(lambda: workspace.service("maestro-orchestrator")["phase"] == "backing-off")
    service = workspace.service("maestro-orchestrator")
    assert (service["last_exit"], service["pid"]) == (9, None)
    assert workspace.ask("status").returncode == 0
