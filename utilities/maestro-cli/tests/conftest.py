import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

SERVICES = Path(__file__).parent / "services"
PATIENCE = 30.0


class Workspace:
    """A folder to call `maestro` in, where only what the test installs is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / ".maestro"
        self.site = folder / "site"
        self.site.mkdir()
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("MAESTRO_")}
        self.environ |= {"PYTHONPATH": f"{self.site}{os.pathsep}{SERVICES}", "NO_COLOR": "1", "COLUMNS": "120"}
        self._processes: list[subprocess.Popen[str]] = []
        # These distributions come first on the path, so the real ones of the same name do not count.
        self.install("maestro-central-registry", "central-registry")
        self.install("maestro", "maestro-orchestrator")
        self.install("maestro-intelligence-service", None)
        self.install("maestro-example-dependency-review", None)

    def install(self, distribution: str, service: str | None, extra: str = "") -> None:
        """Install a distribution that has one tiny service, or none."""
        normalized = distribution.replace("-", "_")
        info = self.site / f"{normalized}-1.0.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0.0\n")
        points = extra
        if service is not None:
            module = f"tiny_{service.replace('-', '_')}"
            (self.site / f"{module}.py").write_text(f"from tiny_service import serve\nserve({service!r})\n")
            points += f"\n[maestro.services]\n{service} = {module}\n"
        (info / "entry_points.txt").write_text(points)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `maestro` to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        """Run `maestro` beside the test."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "maestro_cli", *arguments]

    def status(self) -> dict:
        done = self.run("status", "--json")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def state(self) -> dict:
        try:
            return json.loads((self.home / "state.json").read_text())
        except FileNotFoundError:
            return {}

    def service(self, name: str) -> dict:
        return next((service for service in self.state().get("services", []) if service["name"] == name), {})

    def until_running(self) -> dict:
        until(lambda: self.state().get("phase") == "running")
        return self.state()

    def processes(self) -> list[int]:
        """Find every process that belongs to this workspace's environment."""
        return [
            process.pid
            for process in psutil.process_iter()
            if process.pid != os.getpid() and _home_of(process) == str(self.home)
        ]

    def clean(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        lock = self.home / "lock"
        supervisor = self.state().get("supervisor_pid") if lock.exists() else None
        if supervisor and psutil.pid_exists(supervisor) and "maestro_cli" in " ".join(_command_of(supervisor)):
            os.kill(supervisor, signal.SIGKILL)
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _home_of(process: psutil.Process) -> str | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else process.environ().get("MAESTRO_HOME")
    except (psutil.Error, OSError):
        return None


def _command_of(pid: int) -> list[str]:
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    space = Workspace(tmp_path)
    yield space
    space.clean()
