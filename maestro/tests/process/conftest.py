import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SECRET = "a-secret-of-at-least-thirty-two-bytes"
PATIENCE_S = 60


@dataclass
class Process:
    """A real orchestrator in a process of its own."""

    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Its address, as soon as it serves."""
        return self.wait_for_line("Serving")["url"]

    def wait_for_line(self, event: str) -> dict[str, str]:
        """Return the log line of an event."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for line in self.log.read_text().splitlines():
                if line.startswith("{") and line.endswith("}") and json.loads(line).get("event") == event:
                    return dict(json.loads(line))
            assert self.popen.poll() is None, f"it ended with {self.popen.returncode}: {self.log.read_text()}"
            time.sleep(0.02)
        raise AssertionError(f"no {event!r} in time: {self.log.read_text()}")

    def kill(self) -> None:
        """End it the hard way."""
        self.popen.kill()
        self.popen.wait(PATIENCE_S)

    def terminate(self) -> int:
        """End it the friendly way; gives its exit status."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(PATIENCE_S)

    def exit_status(self) -> int:
        """Wait until it ends by itself."""
        return self.popen.wait(PATIENCE_S)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start orchestrators on one data folder; those still running are killed when the test ends."""
    started: list[Process] = []
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAESTRO_")}

    def begin(**settings: str) -> Process:
        log = tmp_path / f"{len(started)}.log"
        own = {f"MAESTRO_ORCHESTRATOR_{name.upper()}": value for name, value in settings.items()}
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, "-m", "maestro"],
                env={
                    **clean,
                    "PYTHONPATH": str(tmp_path / "modules"),
                    "MAESTRO_DATA_DIR": str(tmp_path / "data"),
                    "MAESTRO_JWT_SECRET": SECRET,
                    "MAESTRO_LOG_FORMAT": "json",
                    **own,
                },
                cwd=tmp_path,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(Process(popen, log))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
