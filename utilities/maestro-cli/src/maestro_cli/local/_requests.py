"""Orders from the command to a supervisor that runs: a file for what is wanted, a signal to have it read."""

import os
import signal
import uuid
from typing import Final

from ._atomic import write_atomically
from ._home import Home

REQUEST_SIGNAL: Final = signal.SIGUSR1
_SUFFIX: Final = ".restart"


def ask_restart(home: Home, supervisor_pid: int, service: str) -> None:
    """Ask for a service to be started, anew when it runs.

    Args:
        home: The environment's folder.
        supervisor_pid: Process id of its supervisor.
        service: Name of the service.

    Raises:
        HomeError: The order could not be left.
        ProcessLookupError: The supervisor is gone.
    """
    write_atomically(home.requests / f"{uuid.uuid4().hex}{_SUFFIX}", service.encode())
    os.kill(supervisor_pid, REQUEST_SIGNAL)


def take_restarts(home: Home) -> list[str]:
    """Take the orders that have been left.

    Args:
        home: The environment's folder.

    Returns:
        Names of services, each once; the orders are gone.
    """
    names: dict[str, None] = {}
    for path in sorted(home.requests.glob(f"*{_SUFFIX}")):
        names[path.read_text("utf-8")] = None
        path.unlink(missing_ok=True)
    return list(names)
