"""Services in processes of their own, for tests that kill them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from maestro_core_config import inherited_environment

_PATIENCE_S: Final = 60.0


class ServiceProcess:
    """A service as its users start it: `python -m <module>`; it can be killed and started again on the same data.

    Args:
        module: The module.
        folder: Where it runs, and keeps its log.
        settings: Its environment variables. A port should be among them: it is kept over a new start.
    """

    def __init__(self, module: str, folder: Path, settings: Mapping[str, str]) -> None:
        self._module = module
        self._folder = folder
        self._settings = dict(settings)
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it wrote since it was last started."""
        return self._folder / f"{self._module}.{self._starts}.log"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> str:
        """Start it, and wait until it serves.

        Returns:
            Its base URL.

        Raises:
            RuntimeError: It ended, or took too long; the message is its log.
        """
        self._starts += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                env={**inherited_environment(), "MAESTRO_LOG_FORMAT": "json", **self._settings},
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            for line in self.log.read_text().splitlines():
                if line.startswith("{") and line.endswith("}") and json.loads(line).get("event") == "Serving":
                    return str(json.loads(line)["url"])
            time.sleep(0.02)
        raise RuntimeError(f"{self._module} does not serve: {self.log.read_text()}")

    def kill(self) -> None:
        """End it the hard way (SIGKILL)."""
        assert self._process is not None
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(_PATIENCE_S)

    def stop(self) -> int:
        """End it the friendly way (SIGTERM).

        Returns:
            Its exit status.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_PATIENCE_S)

    def close(self) -> None:
        """End it, whatever it is doing."""
        if self._process is not None:
            self.kill()
