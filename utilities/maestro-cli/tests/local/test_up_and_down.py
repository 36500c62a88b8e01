import json
import os
import signal
import socket
import urllib.request
from typing import Any

import pytest

from maestro_cli import StartFailedError
from maestro_cli.testing import Workspace, alive, until


def environ_of(service: dict[str, Any]) -> dict[str, str]:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(service["url"] + "/environ") as answer:
        environ: dict[str, str] = json.load(answer)["environ"]
        return environ


def test_detached_environment(workspace: Workspace) -> None:
    """`up --detach` returns once every service is ready, the registry first, and gives each what it needs."""
    (workspace.folder / "config").mkdir()

    done = workspace.run("up", "--detach")

    assert done.returncode == 0, done.stderr
    registry, orchestrator = workspace.service("central-registry"), workspace.service("maestro-orchestrator")
    assert registry["phase"] == orchestrator["phase"] == "ready"
    assert registry["process_started"] <= orchestrator["process_started"]
    environ = environ_of(orchestrator)
    assert environ["MAESTRO_REGISTRY_URL"] == registry["url"]
    assert environ["MAESTRO_DATA_DIR"] == str(workspace.home / "data")
    assert environ["MAESTRO_LOG_FORMAT"] == "json"
    assert environ["MAESTRO_CONFIG_DIR"] == str(workspace.folder / "config")
    secret = workspace.home / "secrets" / "jwt_secret"
    assert environ["MAESTRO_JWT_SECRET_FILE"] == str(secret)
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(secret.read_bytes()) >= 32


def test_down_leaves_nothing(workspace: Workspace) -> None:
    """`down` ends every process and the state; a second one has nothing to do and is content."""
    workspace.up()
    supervisor = workspace.state()["supervisor_pid"]

    first, second = workspace.ask("down"), workspace.ask("down")

    assert (first.returncode, second.returncode) == (0, 0)
    assert "Stopped" in first.stderr
    assert "Nothing runs" in second.stderr
    assert not alive(supervisor)
    assert workspace.processes() == []
    assert workspace.state() == {}


def test_down_kills_a_service_that_does_not_end(workspace: Workspace) -> None:
    """A service that ignores SIGTERM is killed after the grace."""
    workspace.run("up", "--detach", "--grace", "0.2", TINY_MAESTRO_ORCHESTRATOR="stubborn")

    assert workspace.ask("down").returncode == 0
    assert workspace.processes() == []


def test_second_detached_up_shows_the_first(workspace: Workspace) -> None:
    """A second `up --detach` in the same home says so, shows the status and starts nothing."""
    workspace.up()
    before = workspace.state()

    again = workspace.run("up", "--detach", "--json")

    assert again.returncode == 0
    assert "runs already" in again.stderr
    assert json.loads(again.stdout)["supervisor_pid"] == before["supervisor_pid"]
    assert workspace.state() == before


def test_second_foreground_up_is_refused(workspace: Workspace) -> None:
    """A second `up` in the foreground is an error that names the process and what to do."""
    workspace.up()

    again = workspace.run("up")

    assert again.returncode == 1
    assert f"process {workspace.state()['supervisor_pid']}" in again.stderr
    assert "maestro down" in again.stderr


def test_two_homes(workspace: Workspace) -> None:
    """Two environments run at the same time, with their own ports and keys, and end separately."""
    workspace.up()
    workspace.run("--home", "other", "up", "--detach")

    mine, other = workspace.state(), json.loads((workspace.folder / "other" / "state.json").read_text())
    try:
        assert {service["port"] for service in mine["services"]}.isdisjoint(
            service["port"] for service in other["services"]
        )
        assert workspace.ask("token").stdout != workspace.ask("--home", "other", "token").stdout
        assert environ_of(other["services"][1])["MAESTRO_REGISTRY_URL"] == other["services"][0]["url"]
    finally:
        ended = workspace.ask("--home", "other", "down")
    assert ended.returncode == 0
    assert all(alive(service["pid"]) for service in mine["services"])


def test_only_named_services(workspace: Workspace) -> None:
    """Named services start, and the registry with them; the others do not."""
    workspace.install("maestro-extra", "extra")

    assert workspace.run("up", "--detach", "extra").returncode == 0
    assert [service["name"] for service in workspace.state()["services"]] == ["central-registry", "extra"]


def test_unknown_service_name(workspace: Workspace) -> None:
    """A service that is not installed is an error that names those that are."""
    done = workspace.run("up", "nonsense")

    assert done.returncode == 1
    assert "nonsense" in done.stderr
    assert "maestro-orchestrator" in done.stderr


def test_ctrl_c_in_the_foreground(workspace: Workspace) -> None:
    """Ctrl-C ends a foreground environment gracefully with exit code 0 and leaves nothing."""
    process = workspace.start("up")
    workspace.until_running()

    process.send_signal(signal.SIGINT)

    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert "Everything has stopped" in output
    assert workspace.processes() == []
    assert workspace.state() == {}


def test_ctrl_c_while_starting(workspace: Workspace) -> None:
    """Ctrl-C before everything is ready stops what had been started."""
    process = workspace.start("up", TINY_MAESTRO_ORCHESTRATOR="never-ready")
    until(lambda: workspace.service("maestro-orchestrator").get("phase") == "starting")

    process.send_signal(signal.SIGINT)

    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert workspace.processes() == []


def test_second_ctrl_c_does_not_wait(workspace: Workspace) -> None:
    """A second Ctrl-C kills a service that does not end, long before its grace is over."""
    process = workspace.start("up", "--grace", "3600", TINY_CENTRAL_REGISTRY="stubborn")
    workspace.until_running()

    process.send_signal(signal.SIGINT)
    until(lambda: workspace.service("central-registry").get("phase") == "stopping")
    process.send_signal(signal.SIGINT)

    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert workspace.processes() == []


def test_ctrl_c_while_detaching(workspace: Workspace) -> None:
    """Ctrl-C of `up --detach` before it returns stops what it had started, with exit code 130."""
    process = workspace.start("up", "--detach", TINY_MAESTRO_ORCHESTRATOR="never-ready")
    until(lambda: workspace.service("maestro-orchestrator").get("phase") == "starting")

    process.send_signal(signal.SIGINT)

    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert workspace.processes() == []


def test_service_that_dies_at_start(workspace: Workspace) -> None:
    """A service that dies at start is named with its exit code and last words; everything else is stopped."""
    done = workspace.run("up", "--detach", TINY_MAESTRO_ORCHESTRATOR="die")

    assert done.returncode == 1
    assert "maestro-orchestrator did not start" in done.stderr
    assert "exit code 1" in done.stderr
    assert "cannot find the flux capacitor" in done.stderr
    assert workspace.processes() == []
    status = workspace.ask("status")
    assert status.returncode == 3
    assert "exit code 1" in status.stderr


def test_service_that_dies_at_start_in_the_foreground(workspace: Workspace) -> None:
    """In the foreground as well, a service that dies at start ends everything with exit code 1."""
    done = workspace.run("up", TINY_CENTRAL_REGISTRY="die")

    assert done.returncode == 1
    assert "cannot find the flux capacitor" in done.stderr
    assert "maestro-orchestrator starts" not in done.stderr
    assert workspace.processes() == []


def test_only_the_last_start_is_quoted(workspace: Workspace) -> None:
    """What a service wrote in an earlier life is not quoted as the reason of a failed start."""
    with pytest.raises(StartFailedError):
        workspace.up(TINY_MAESTRO_ORCHESTRATOR="die")

    done = workspace.run("up", "--detach", TINY_MAESTRO_ORCHESTRATOR="die")

    assert done.stderr.count("cannot find the flux capacitor") == 1


def test_service_that_is_never_ready(workspace: Workspace) -> None:
    """A service that does not become ready in time is reported with its last answer, and everything is stopped."""
    done = workspace.run("up", "--detach", "--timeout", "5", TINY_MAESTRO_ORCHESTRATOR="never-ready")

    assert done.returncode == 1
    assert "not ready within 5 s" in done.stderr
    assert "503" in done.stderr
    assert workspace.processes() == []


def test_port_taken(workspace: Workspace) -> None:
    """A configured port that is in use is an error that names the port, the service and the variable."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = workspace.run("up", "--detach", CENTRAL_REGISTRY_PORT=str(port))

    assert done.returncode == 1
    for part in (str(port), "central-registry", "CENTRAL_REGISTRY_PORT"):
        assert part in done.stderr
    assert workspace.processes() == []


def test_configured_port(workspace: Workspace) -> None:
    """A port that the user has set is the one that the service listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    assert workspace.run("up", "--detach", CENTRAL_REGISTRY_PORT=str(port)).returncode == 0
    assert workspace.service("central-registry")["port"] == port


def test_home_that_cannot_be_a_folder(workspace: Workspace) -> None:
    """A home below a file is an error that names the path and what to do."""
    (workspace.folder / "file").write_text("")

    done = workspace.run("--home", "file/home", "up", "--detach")

    assert done.returncode == 1
    assert str(workspace.folder / "file" / "home") in done.stderr
    assert "--home" in done.stderr


def test_full_disk(workspace: Workspace) -> None:
    """When nothing can be written the path is named, and neither a process nor a half-written file is left."""
    limited = f"ulimit -f 0; exec {' '.join(workspace.command('up', '--detach'))}"
    done = workspace.shell(limited)

    assert done.returncode == 1
    assert f"cannot use {workspace.home}" in done.stderr
    assert [path for path in workspace.home.rglob("*") if path.is_file()] == []
    assert workspace.processes() == []


def test_state_of_another_process_is_not_believed(workspace: Workspace) -> None:
    """A stale state that names a living foreign process is not taken for an environment, and that process is spared."""
    workspace.home.mkdir()
    workspace.up()
    state = workspace.state()
    workspace.ask("down")
    state["supervisor_pid"] = os.getpid()
    state["services"][0]["pid"] = os.getpid()
    (workspace.home / "state.json").write_text(json.dumps(state))

    assert workspace.ask("status").returncode == 3
    assert workspace.run("up", "--detach").returncode == 0
    assert workspace.state()["supervisor_pid"] != os.getpid()


def test_state_that_is_not_ours(workspace: Workspace) -> None:
    """A state file that cannot be read keeps nobody from starting."""
    workspace.home.mkdir()
    (workspace.home / "state.json").write_text("{half")

    assert workspace.ask("status").returncode == 3
    assert workspace.run("up", "--detach").returncode == 0
