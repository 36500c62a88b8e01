"""The service as a process of its own, to be killed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intelligence_service.testing import Orchestrator


class Killed:
    """A running process."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def kill(self) -> None:
        """End it the hard way."""
        self.process.kill()
        self.process.wait()


@contextmanager
def started(
    folder: Path, orchestrator: Orchestrator, registry_url: str, model_url: str | None, **more: str
) -> Iterator[Killed]:
    """Start the service, and kill it after the block."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAESTRO_", "INTELLIGENCE_"))}
    settings = {
        "MAESTRO_JWT_SECRET": orchestrator.secret,
        "MAESTRO_REGISTRY_URL": registry_url,
        "MAESTRO_DATA_DIR": str(folder),
        "INTELLIGENCE_SERVICE_ENCODER_THREADS": "1",
        **more,
    }
    if model_url is not None:
        settings["INTELLIGENCE_SERVICE_MODEL_ENDPOINT"] = model_url
    log = folder / "service.log"
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "intelligence_service"],
            cwd=folder,
            env={**own, **settings},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Killed(process, _url(process, log))
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _url(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    while line := process.stdout.readline():
        if found := re.search(r'"url": ?"(http://[^"]+)"', line):
            return found.group(1)
    raise AssertionError(f"the service ended before it served: {log.read_text()[-2000:]}")
