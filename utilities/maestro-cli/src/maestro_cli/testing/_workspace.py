"""A folder to call `maestro` in, as a user would."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psutil
from click.testing import CliRunner

from maestro_cli.cli import cli
from maestro_cli.local import Home, SupervisorOptions, own_environment, start_detached

PATIENCE_S: Final = 30.0
_TIMEOUT_S: Final = 60.0
_OPTIONS: Final = SupervisorOptions(grace=timedelta(seconds=5))
# They come first on the path, so that the real ones of the same name do not count.
_SHADOWED: Final = {
    "maestro-central-registry": "central-registry",
    "maestro": "maestro-orchestrator",
    "maestro-intelligence-service": None,
    "maestro-orchestration-gateway": None,
    "maestro-example-dependency-review": None,
    "maestro-governance-service": None,
    "maestro-telemetry-store": None,
    "maestro-gateway": None,
}


class Workspace:
    """A folder in which only what the test installs is installed; pretend services take the real ones' places.

    A service misbehaves when the environment variable `TINY_<NAME>` says so; see `tiny_service`.

    Args:
        folder: An empty folder.
        real: Distributions that keep their real services.

    Attributes:
        folder: Where commands are called.
        home: The environment's folder.
        site: Where distributions are installed.
        environ: The environment of every command.
    """

    def __init__(self, folder: Path, *, real: Sequence[str] = ()) -> None:
        self.folder = folder
        self.home = folder / ".maestro"
        self.site = folder / "site"
        self.site.mkdir()
        shutil.copy(Path(__file__).with_name("tiny_service.py"), self.site)
        self.environ = {name: value for name, value in own_environment().items() if not name.startswith("MAESTRO_")}
        # Pretend services have no events, so that no server for them needs to be started.
        elsewhere = {"MAESTRO_MESSAGING_URL": "memory://"}
        self.environ |= {"PYTHONPATH": str(self.site), "NO_COLOR": "1", "COLUMNS": "120", **elsewhere}
        self._processes: list[subprocess.Popen[str]] = []
        self._supervisors: list[subprocess.Popen[bytes]] = []
        for distribution, service in _SHADOWED.items():
            if distribution not in real:
                self.install(distribution, service)

    def install(self, distribution: str, service: str | None = None) -> None:
        """Install a distribution.

        Args:
            distribution: Its name.
            service: The pretend service that it brings; None for none.
        """
        info = self.site / f"{distribution.replace('-', '_')}-1.0.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0.0\n")
        points = ""
        if service is not None:
            module = f"tiny_{service.replace('-', '_')}"
            (self.site / f"{module}.py").write_text(f"from tiny_service import serve\nserve({service!r})\n")
            points = f"[maestro.services]\n{service} = {module}\n"
        (info / "entry_points.txt").write_text(points)

    def up(self, *services: str, options: SupervisorOptions = _OPTIONS, **environ: str) -> None:
        """Start the environment as `maestro up --detach` does.

        Args:
            *services: What to start; all when empty.
            options: Time limits, and what runs are kept on.
            **environ: Further environment variables.
        """
        started = start_detached(Home(self.home), services, {**self.environ, **environ}, options=options)
        self._supervisors.append(started.supervisor)

    def command(self, *arguments: str) -> list[str]:
        """Compose a call of `maestro`.

        Args:
            *arguments: Its arguments.

        Returns:
            The words of the command.
        """
        return [sys.executable, "-m", "maestro_cli", *arguments]

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `maestro` to its end, in a process of its own.

        Args:
            *arguments: Its arguments.
            **environ: Further environment variables.

        Returns:
            How it ended and what it wrote.
        """
        return self._run(self.command(*arguments), environ)

    def ask(self, *arguments: str, stdin: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `maestro` to its end in this process, which is faster; not for what starts other processes.

        Args:
            *arguments: Its arguments.
            stdin: What it reads from standard input; None for nothing.
            **environ: Further environment variables.

        Returns:
            How it ended and what it wrote.
        """
        names = {*own_environment(), *self.environ, *environ}
        wanted: dict[str, str | None] = dict.fromkeys(names)
        wanted.update({**self.environ, **environ})
        path = sys.path[:]
        sys.path.insert(0, str(self.site))
        try:
            with contextlib.chdir(self.folder):
                done = CliRunner().invoke(cli, list(arguments), input=stdin, env=wanted, prog_name="maestro")
        finally:
            sys.path[:] = path
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(self.command(*arguments), done.exit_code, done.stdout, done.stderr)

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script to its end.

        Args:
            script: For bash.

        Returns:
            How it ended and what it wrote.
        """
        return self._run([shutil.which("bash") or "bash", "-c", script], {})

    def start(self, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        """Run `maestro` beside the test; `clean` ends it.

        Args:
            *arguments: Its arguments.
            **environ: Further environment variables.

        Returns:
            The process; its output and errors come as one.
        """
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

    def status(self) -> dict[str, Any]:
        """Ask `maestro status`.

        Returns:
            What it says.
        """
        report: dict[str, Any] = json.loads(self.ask("status", "--json").stdout)
        return report

    def state(self) -> dict[str, Any]:
        """Read `state.json`.

        Returns:
            What it says; empty when there is none.
        """
        try:
            state: dict[str, Any] = json.loads((self.home / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return state

    def service(self, name: str) -> dict[str, Any]:
        """Read what `state.json` says about a service.

        Args:
            name: The service.

        Returns:
            What it says; empty when it is not there.
        """
        services: list[dict[str, Any]] = self.state().get("services", [])
        return next((service for service in services if service["name"] == name), {})

    def environ_of(self, name: str) -> dict[str, str]:
        """Read what a service's process was started with.

        Args:
            name: The service; it runs.

        Returns:
            Variable → value.
        """
        return dict(psutil.Process(self.service(name)["pid"]).environ())

    def until_running(self) -> None:
        """Wait until every service is ready."""
        until(lambda: self.state().get("phase") == "running")

    def processes(self) -> list[int]:
        """Find the services and what they have started.

        Returns:
            Process ids.
        """
        return [process.pid for process in psutil.process_iter() if _home_of(process) == str(self.home)]

    def clean(self) -> None:
        """End everything that was started here."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for started in self._supervisors:
            started.kill()
            started.wait()
        supervisor = self.state().get("supervisor_pid")
        if supervisor is not None and _is_supervisor(supervisor):
            os.kill(supervisor, signal.SIGKILL)
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

    def _run(self, command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so.

    Args:
        condition: Asked again and again.

    Raises:
        TimeoutError: It did not come about.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() >= deadline:
            raise TimeoutError("it did not come about in time")
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Tell whether a process runs.

    Args:
        pid: Its id.

    Returns:
        False also for one that has ended and waits to be collected.
    """
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _home_of(process: psutil.Process) -> str | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else process.environ().get("MAESTRO_HOME")
    except (psutil.Error, OSError):
        return None


def _is_supervisor(pid: int) -> bool:
    try:
        return "maestro_cli.local" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
