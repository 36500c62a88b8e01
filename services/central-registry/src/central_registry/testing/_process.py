"""The registry as a process of its own, to be killed, paused and started again."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from maestro_core_api import issue_token
from maestro_core_config import inherited_environment

_START_S: Final = 60.0
_STOP_S: Final = 30.0
_LOOK_S: Final = 0.02


class RegistryProcess:
    """A registry that keeps its port and its files from start to start.

    Example:
        >>> with RegistryProcess(Path("/tmp/registry")) as registry:  # doctest: +SKIP
        ...     print(registry.url)

    Args:
        folder: Where it keeps its files and its log; made when it is not there.
        environ: Further variables of its environment.
        secret: The key that tokens are signed with.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        *,
        secret: str = "a-secret-for-tests-of-at-least-32-bytes",  # noqa: S107 - tests have no other
    ) -> None:
        self.folder = folder
        self.secret = secret
        self.port = _free_port()
        self._environ = dict(environ or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it has written."""
        return self.folder / "registry.log"

    def token(self, *roles: str) -> str:
        """Issue a token.

        Args:
            *roles: What it may; `operator` when none is given.

        Returns:
            The token.
        """
        return issue_token(self.secret, subject="tests", roles=roles or ("operator",))

    def start(self) -> None:
        """Start it, and return when it takes requests.

        Raises:
            RuntimeError: It does not start.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {
            name: value
            for name, value in inherited_environment().items()
            if not name.startswith(("MAESTRO_", "CENTRAL_REGISTRY_"))
        }
        settings = {
            "MAESTRO_CONFIG_DIR": str(self.folder),
            "MAESTRO_DATA_DIR": str(self.folder / "data"),
            "MAESTRO_JWT_SECRET": self.secret,
            "MAESTRO_LOG_FORMAT": "json",
            "CENTRAL_REGISTRY_PORT": str(self.port),
        }
        began_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "central_registry"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env={**kept, **settings, **self._environ},
            )
        deadline = time.monotonic() + _START_S
        while not self._serves(began_at):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the registry does not start; see {self.log}: {self.log.read_text()[-2_000:]}")
            time.sleep(_LOOK_S)

    def kill(self) -> None:
        """End it at once (SIGKILL), without a chance to write anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """End it in an orderly way (SIGTERM).

        Returns:
            Its exit status.
        """
        process = self._running()
        process.send_signal(signal.SIGTERM)
        status = process.wait(_STOP_S)
        self._process = None
        return status

    def pause(self) -> None:
        """Let it stand still, so that it holds connections and answers nobody (SIGSTOP)."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def __enter__(self) -> "RegistryProcess":
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it."""
        self.kill()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise RuntimeError("the registry is not running")
        return self._process

    def _serves(self, began_at: int) -> bool:
        with self.log.open("rb") as log:
            log.seek(began_at)
            for line in log:
                with suppress(ValueError):
                    if json.loads(line).get("event") == "Serving":
                        return True
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
