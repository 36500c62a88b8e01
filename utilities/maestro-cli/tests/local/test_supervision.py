import json
import os
import signal

from maestro_cli.testing import Workspace, alive, until


def helper_of(workspace: Workspace, service: str) -> int:
    """Find the process that a misbehaving service has started."""
    lines = (workspace.home / "logs" / f"{service}.log").read_text().splitlines()
    return int(json.loads(lines[-1])["helper"])


def test_crashed_service_comes_back(workspace: Workspace) -> None:
    """A service that is killed is started again on the same port, and the status counts it."""
    workspace.up()
    before = workspace.service("maestro-orchestrator")

    os.kill(before["pid"], signal.SIGKILL)

    until(lambda: workspace.service("maestro-orchestrator")["restarts"] == 1)
    until(lambda: workspace.service("maestro-orchestrator")["phase"] == "ready")
    after = workspace.service("maestro-orchestrator")
    assert after["url"] == before["url"]
    assert after["pid"] != before["pid"]
    assert after["last_exit"] == -signal.SIGKILL
    assert workspace.service("central-registry")["restarts"] == 0


def test_crashed_service_takes_its_helpers_along(workspace: Workspace) -> None:
    """What a crashed service had started itself is ended before the service comes back."""
    workspace.up(TINY_MAESTRO_ORCHESTRATOR="parent")
    helper = helper_of(workspace, "maestro-orchestrator")

    os.kill(workspace.service("maestro-orchestrator")["pid"], signal.SIGKILL)

    until(lambda: workspace.service("maestro-orchestrator")["restarts"] == 1)
    until(lambda: not alive(helper))


def test_stopped_service_takes_its_helpers_along(workspace: Workspace) -> None:
    """`down` also ends what a service had started and left behind."""
    workspace.up(TINY_MAESTRO_ORCHESTRATOR="parent")
    helper = helper_of(workspace, "maestro-orchestrator")

    workspace.ask("down")

    assert not alive(helper)


def test_killed_supervisor_takes_the_services_along(workspace: Workspace) -> None:
    """When the supervisor is killed with SIGKILL the kernel ends every service."""
    workspace.up()

    os.kill(workspace.state()["supervisor_pid"], signal.SIGKILL)

    until(lambda: workspace.processes() == [])
    until(lambda: workspace.ask("status").returncode == 3)  # the kernel may still be taking the supervisor down
    assert "supervisor was killed" in workspace.ask("status").stderr


def test_killed_foreground_supervisor_takes_the_services_along(workspace: Workspace) -> None:
    """The same holds for a supervisor in the foreground."""
    process = workspace.start("up")
    workspace.until_running()

    process.kill()

    until(lambda: workspace.processes() == [])


def test_down_sweeps_what_a_killed_supervisor_left(workspace: Workspace) -> None:
    """`down` ends what services had started themselves and what outlived a killed supervisor."""
    workspace.up(TINY_MAESTRO_ORCHESTRATOR="parent")
    helper = helper_of(workspace, "maestro-orchestrator")
    service = workspace.service("maestro-orchestrator")["pid"]
    os.kill(workspace.state()["supervisor_pid"], signal.SIGKILL)
    until(lambda: not alive(service))
    assert alive(helper)

    assert workspace.ask("down").returncode == 0

    assert not alive(helper)
    assert workspace.state() == {}


def test_up_sweeps_what_a_killed_supervisor_left(workspace: Workspace) -> None:
    """A new environment first ends what an earlier one in the same home has left."""
    workspace.up(TINY_MAESTRO_ORCHESTRATOR="parent")
    helper = helper_of(workspace, "maestro-orchestrator")
    service = workspace.service("maestro-orchestrator")["pid"]
    os.kill(workspace.state()["supervisor_pid"], signal.SIGKILL)
    until(lambda: not alive(service))

    assert workspace.run("up", "--detach").returncode == 0
    assert not alive(helper)


def test_key_survives(workspace: Workspace) -> None:
    """The signing key is made once and kept from one start to the next."""
    workspace.up()
    key = (workspace.home / "secrets" / "jwt_secret").read_text()
    workspace.ask("down")
    workspace.up()

    assert (workspace.home / "secrets" / "jwt_secret").read_text() == key
