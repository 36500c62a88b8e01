"""The service as its users start it: a process of its own, killed and stopped for real."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from maestro_core_api import issue_token

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
INSTANCE = "/services/echo/instances/a"
ENTRY = {"url": "http://127.0.0.1:8000", "version": "1.0.0", "metadata": {"zone": "a"}, "lease_s": 30}


@contextlib.contextmanager
def started(folder: Path, **environ: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the registry with its data in a folder, and end it whatever happens."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAESTRO_", "CENTRAL_REGISTRY_"))
    }
    settings = {
        "MAESTRO_CONFIG_DIR": str(folder),
        "MAESTRO_DATA_DIR": str(folder / "data"),
        "MAESTRO_JWT_SECRET": SECRET,
        "MAESTRO_LOG_FORMAT": "json",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "central_registry"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=inherited | settings | environ,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def client_of(process: "subprocess.Popen[str]") -> httpx2.Client:
    """Wait for the line that tells where the registry serves."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("{") and (url := json.loads(line).get("url")) and json.loads(line)["event"] == "Serving":
            token = issue_token(SECRET, subject="test", roles=("operator",))
            return httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    raise AssertionError("".join(lines))


def test_a_killed_registry_still_knows_everyone(tmp_path: Path) -> None:
    """After SIGKILL and a new start everyone is known as before, leases can be renewed, and SIGTERM exits with 0."""
    with started(tmp_path) as process, client_of(process) as client:
        registered = client.put(INSTANCE, json=ENTRY).json()
        gone = client.put("/services/echo/instances/b", json=ENTRY)
        assert gone.status_code == 201
        assert client.delete("/services/echo/instances/b").status_code == 204
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with started(tmp_path) as process, client_of(process) as client:
        (instance,) = client.get("/services/echo").json()["instances"]
        assert instance.pop("lease_expires_at") > registered.pop("lease_expires_at")
        assert instance.pop("weight") >= registered.pop("weight")
        assert instance == registered
        assert client.post(f"{INSTANCE}/lease").status_code == 200
        (own,) = client.get("/services/central-registry").json()["instances"]
        assert own["url"] == str(client.base_url).rstrip("/")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("content", [b"not a database " * 1_000, None])
def test_an_unusable_database_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    """When the file is damaged, or its folder cannot be made, the log names the file and says what to do."""
    data = tmp_path / "data"
    if content is None:
        data.write_text("in the way")
    else:
        data.mkdir()
        (data / "central-registry.db").write_bytes(content)
    with started(tmp_path) as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 70
    (line,) = [json.loads(line) for line in output.splitlines() if '"critical"' in line]
    assert str(data / "central-registry.db") in line["reason"]
    assert "move it away" in line["reason"] or "check that the folder" in line["reason"]
    if content is not None:
        assert (data / "central-registry.db").read_bytes() == content


def test_a_wrong_configuration_exits_with_78(tmp_path: Path) -> None:
    """A setting that makes no sense is named on the way out, with exit status 78."""
    with started(tmp_path, CENTRAL_REGISTRY_MAX_LEASE_S="5") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 78
    assert "CENTRAL_REGISTRY_MAX_LEASE_S" in output
