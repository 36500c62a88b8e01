import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_cli import AlreadyRunningError, HomeError, InputError, PortTakenError
from maestro_cli.local import Home, RestartPolicy, ServiceSpec, describe_exit, lock_holder, service_environment, tail
from maestro_cli.local._atomic import write_atomically
from maestro_cli.local._configured_port import configured_port
from maestro_cli.local._environment import identity_variables
from maestro_cli.local._lock import hold_lock
from maestro_cli.local._ports import reserve_port

ORCHESTRATOR = ServiceSpec("maestro-orchestrator", "maestro")


def test_pauses_grow_to_a_limit() -> None:
    """Each crash in a row waits longer than the one before, up to the limit."""
    policy = RestartPolicy()

    pauses = [policy.pause(crashes) for crashes in range(1, 10)]

    assert pauses[0] == timedelta(milliseconds=500)
    assert pauses == sorted(pauses)
    assert policy.pause(10_000) == policy.longest


def test_crashes_are_forgotten() -> None:
    """A service that ran for long begins with the first pause again."""
    policy = RestartPolicy()

    assert policy.crashes(7, policy.forget_after) == 1
    assert policy.crashes(7, timedelta(seconds=1)) == 8


def test_reserved_port_is_kept() -> None:
    """While a port is reserved nobody else is given it, and its service can still listen on it."""
    with reserve_port("service") as port:
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port.number))
        with socket.create_server(("127.0.0.1", port.number)):
            pass


def test_taken_port_is_refused() -> None:
    """A wanted port on which somebody listens is refused, naming the variable that asked for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTakenError) as caught:
            reserve_port("service", wanted=port, variable="SERVICE_PORT")

    assert caught.value.port == port
    assert "SERVICE_PORT" in str(caught.value.hint)


def test_configured_port(tmp_path: Path) -> None:
    """The port comes from the variable, then from the configuration file; faults are left to the service."""
    (tmp_path / "central-registry.yaml").write_text("port: 4711\n")
    spec = ServiceSpec("central-registry", "central_registry")

    assert configured_port(spec, {}, None) == 0
    assert configured_port(spec, {"CENTRAL_REGISTRY_PORT": "12"}, None) == 12
    assert configured_port(spec, {}, tmp_path) == 4711
    assert configured_port(spec, {"CENTRAL_REGISTRY_PORT": "12"}, tmp_path) == 12
    assert configured_port(spec, {"MAESTRO_LOG_FORMAT": "poem"}, tmp_path) == 0
    for text in ("many", "70000", "-1"):
        with pytest.raises(InputError, match="CENTRAL_REGISTRY_PORT"):
            configured_port(spec, {"CENTRAL_REGISTRY_PORT": text}, None)


def test_lock_has_one_holder(tmp_path: Path) -> None:
    """The lock is held once, names its holder, and is free afterwards."""
    home = Home(tmp_path)
    assert lock_holder(home) is None
    with hold_lock(home):
        assert lock_holder(home) == os.getpid()
        with pytest.raises(AlreadyRunningError) as caught, hold_lock(home):
            pass
    assert caught.value.pid == os.getpid()
    assert lock_holder(home) is None


def test_failed_write_keeps_the_old_content(tmp_path: Path) -> None:
    """A write that fails leaves the old file and nothing else."""
    target = tmp_path / "folder"
    target.mkdir()
    (target / "inside").write_text("")

    with pytest.raises(HomeError) as caught:
        write_atomically(target, b"new")

    assert caught.value.path == target
    assert list(tmp_path.iterdir()) == [target]


def test_tail_of_a_long_file(tmp_path: Path) -> None:
    """The end of a file is read across chunks; a start and a size bound what is seen."""
    path = tmp_path / "log"
    path.write_text("".join(f"{number:09}\n" for number in range(20_000)))

    assert tail(path, 10_000) == [f"{number:09}" for number in range(10_000, 20_000)]
    assert tail(path, 2, size=50) == ["000000003", "000000004"]
    assert tail(path, 5, start=199_990) == ["000019999"]
    assert tail(path, 0) == []
    assert tail(tmp_path / "none", 5) == []


def test_what_the_user_sets_wins(tmp_path: Path) -> None:
    """The user's variables win, but for what ties the environment together."""
    base = {"MAESTRO_DATA_DIR": "/data", "MAESTRO_JWT_SECRET": "own", "MAESTRO_REGISTRY_URL": "http://elsewhere"}

    environ = service_environment(
        base, home=Home(tmp_path), spec=ORCHESTRATOR, port=12, registry_port=34, workflow_modules=["a", "b"]
    )

    assert environ["MAESTRO_DATA_DIR"] == "/data"
    assert "MAESTRO_JWT_SECRET_FILE" not in environ
    assert environ["MAESTRO_REGISTRY_URL"] == "http://127.0.0.1:34"
    assert environ["MAESTRO_ORCHESTRATOR_PORT"] == "12"
    assert environ["MAESTRO_ORCHESTRATOR_WORKFLOW_MODULES"] == '["a", "b"]'
    assert environ["MAESTRO_HOME"] == str(tmp_path)


def test_the_env_file_wins_over_what_up_would_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.env` file beside where `up` is called is read by services; defaults of `up` would be above it, and so are left out."""
    monkeypatch.chdir(tmp_path)
    spec = ServiceSpec("central-registry", "central_registry")
    (tmp_path / ".env").write_text(
        f"CENTRAL_REGISTRY_PORT=4712\nMAESTRO_DATA_DIR=/data\nMAESTRO_JWT_SECRET={'x' * 32}\n"
    )

    environ = service_environment({}, home=Home(tmp_path), spec=spec, port=1, registry_port=2)

    assert "MAESTRO_DATA_DIR" not in environ
    assert "MAESTRO_JWT_SECRET_FILE" not in environ
    assert environ["MAESTRO_LOG_FORMAT"] == "json"
    assert configured_port(spec, {}, None) == 4712
    assert configured_port(spec, {"MAESTRO_ENV_FILE": ""}, None) == 0


def test_tokens_of_elsewhere_are_believed_where_the_user_says_so(tmp_path: Path) -> None:
    """Who names an identity service means that one; an empty variable names none."""
    own = {"MAESTRO_IDENTITY_URL": "http://127.0.0.1:1"}
    file = tmp_path / "settings.env"
    file.write_text("MAESTRO_IDENTITY_URL=https://id.example\n")

    assert identity_variables({"MAESTRO_ENV_FILE": ""}, "http://127.0.0.1:1") == own
    assert identity_variables({"MAESTRO_ENV_FILE": "", "MAESTRO_IDENTITY_URL": ""}, "http://127.0.0.1:1") == own
    assert identity_variables({"MAESTRO_IDENTITY_URL": "https://id.example"}, "http://127.0.0.1:1") == {}
    assert identity_variables({"MAESTRO_ENV_FILE": str(file)}, "http://127.0.0.1:1") == {}


@pytest.mark.parametrize(("code", "text"), [(0, "exit code 0"), (-9, "signal SIGKILL"), (-200, "signal 200")])
def test_exits_in_words(code: int, text: str) -> None:
    """What a process ended with is named, signals by name."""
    assert describe_exit(code) == text
