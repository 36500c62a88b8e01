"""The service as a process of its own, to be killed."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from intelligence_service.testing import Orchestrator

_PATIENCE_S = 50.0


class Killed:
    """A running process."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process = process
        self.url = url

    def kill(self) -> None:
        """End it the hard way."""
        self.process.kill()
        self.process.wait()


@asynccontextmanager
async def started(
    folder: Path, orchestrator: Orchestrator, registry_url: str, model_url: str | None, **more: str
) -> AsyncIterator[Killed]:
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
    begins = len(_read(log))
    process = _start(folder, log, {**own, **settings})
    try:
        yield Killed(process, await _url(process, log, begins))
    finally:
        process.kill()
        process.wait()


def _start(folder: Path, log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "intelligence_service"]
    # Into a file: nobody reads a pipe while the service is under load, and a full one would hold it up.
    with log.open("a") as lines:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=lines, stderr=lines)


def _read(log: Path) -> str:
    return log.read_text() if log.exists() else ""


async def _url(process: subprocess.Popen[bytes], log: Path, begins: int) -> str:
    async with asyncio.timeout(_PATIENCE_S):
        while process.poll() is None:
            if found := re.search(r'"url": ?"(http://[^"]+)"', _read(log)[begins:]):
                return found.group(1)
            await asyncio.sleep(0.02)
    raise AssertionError(f"the service ended before it served: {_read(log)[-2000:]}")
