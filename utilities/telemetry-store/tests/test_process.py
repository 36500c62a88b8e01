"""The service as a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import pytest

import telemetry_store
from maestro_core_api import issue_token

SECRET = "a-secret-of-32-bytes-or-more-for-tests"


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve until the block ends."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAESTRO_")}
    environ |= {
        "MAESTRO_JWT_SECRET": SECRET,
        "MAESTRO_OTLP_TOKEN": "a-token-for-senders",
        "MAESTRO_DATA_DIR": str(folder),
        "TELEMETRY_STORE_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "telemetry_store"], env=environ, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def port() -> int:
    """A free one."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _until_ready(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    import time

    while process.poll() is None:
        try:
            if client.get("/health/ready").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    pytest.fail("it ended")


def test_what_was_answered_survives_a_kill(
    tmp_path: Path, port: int, sender: dict[str, str], spans: Callable[..., bytes]
) -> None:
    """SIGKILL in the middle of sending: every batch that was answered is there, whole."""
    token = issue_token(SECRET, subject="ada", roles=("viewer",))
    answered: list[str] = []
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        with serving(tmp_path, port) as process:
            _until_ready(client, process)
            for number in range(40):
                trace = f"{number + 1:032x}"
                body = spans(trace, ("shop", "a" * 16, "", 0, 1, False), ("shop", "b" * 16, "a" * 16, 0, 1, False))
                client.post("/v1/traces", content=body, headers=sender).raise_for_status()
                answered.append(trace)
            process.send_signal(signal.SIGKILL)
            process.wait()
        with serving(tmp_path, port) as process:
            _until_ready(client, process)
            client.headers["authorization"] = f"Bearer {token}"
            for trace in answered:
                found: Any = client.get(f"/traces/{trace}").json()
                assert len(found["spans"]) == 2, found


def test_a_wrong_setting_ends_the_start(tmp_path: Path) -> None:
    """Exit status 78 and a message that names the variable."""
    environ = {**os.environ, "TELEMETRY_STORE_MAX_BYTES": "a lot", "MAESTRO_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_store"], env=environ, capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, "TELEMETRY_STORE_MAX_BYTES" in done.stderr) == (78, True)


def test_the_service_can_be_found() -> None:
    """The entry points lead to the module that serves and to the class of its configuration."""
    (service,) = entry_points(group="maestro.services", name="telemetry-store")
    assert service.load() is telemetry_store
    assert find_spec(f"{service.value}.__main__") is not None
    (config,) = entry_points(group="maestro.configs", name="telemetry-store")
    assert config.load().service_name == "telemetry-store"
