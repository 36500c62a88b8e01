import json
import signal

import pytest

from maestro_cli.testing import Workspace, until

REAL = (
    "maestro",
    "maestro-central-registry",
    "maestro-governance-service",
    "maestro-intelligence-service",
    "maestro-example-dependency-review",
)


def test_demo_with_a_service_that_dies(workspace: Workspace) -> None:
    """When a service does not start the demo fails with its last words and leaves nothing."""
    done = workspace.run("demo", TINY_MAESTRO_ORCHESTRATOR="die")

    assert done.returncode == 1
    assert "cannot find the flux capacitor" in done.stderr
    assert workspace.processes() == []


def test_demo_that_fails_stops_what_it_started(workspace: Workspace) -> None:
    """When the work fails, here for an orchestrator that is none, what the demo has started is stopped."""
    done = workspace.run("demo")

    assert done.returncode == 1
    assert "Stopping what the demo has started" in done.stderr
    assert workspace.processes() == []


def test_demo_leaves_what_was_running(workspace: Workspace) -> None:
    """An environment that ran before the demo runs after it."""
    workspace.up()

    done = workspace.run("demo")

    assert "runs already" in done.stderr
    assert workspace.ask("status").returncode == 0


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_interrupted_demo(workspace: Workspace, number: signal.Signals, exit_code: int) -> None:
    """Ctrl-C, SIGTERM and a closed terminal end the demo and everything that it has started."""
    process = workspace.start("demo", TINY_MAESTRO_ORCHESTRATOR="never-ready")
    until(lambda: workspace.service("maestro-orchestrator").get("phase") == "starting")

    process.send_signal(number)

    output, _ = process.communicate(timeout=30)
    assert process.returncode == exit_code, output
    assert workspace.processes() == []


def test_killed_demo(workspace: Workspace) -> None:
    """Even SIGKILL leaves nothing of what the demo has started."""
    process = workspace.start("demo", TINY_MAESTRO_ORCHESTRATOR="never-ready")
    until(lambda: workspace.service("maestro-orchestrator").get("phase") == "starting")

    process.kill()

    until(lambda: workspace.processes() == [])


@pytest.mark.system
def test_demo(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The demo reviews real distributions with the real services, reports, and leaves nothing."""
    workspace = Workspace(tmp_path_factory.mktemp("demo"), real=REAL)
    try:
        done = workspace.run("demo", "--limit", "3", "--json")
        left = workspace.processes()
    finally:
        workspace.clean()

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["distributions"] == 3
    assert result["report_html"].startswith(str(workspace.home))
    assert left == []
