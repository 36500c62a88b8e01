"""Ending what an environment has left behind when its supervisor was killed."""

import contextlib
import os
from typing import Final

import psutil

from ._environment import HOME_VARIABLE
from ._home import Home
from ._state import load_state

_WAIT_S: Final = 5.0


def sweep_leftovers(home: Home) -> int:
    """Kill processes that an earlier environment in this home has started and that still run.

    Services die with their supervisor; what they had started themselves may not. Such a process is known by its session,
    which is the service's, and by the home in its environment.

    Args:
        home: The environment's folder; no supervisor may be running in it but the caller.

    Returns:
        How many processes were killed.
    """
    state = load_state(home)
    if state is None:
        return 0
    sessions = {service.pid for service in state.services if service.pid is not None}
    leftovers = [process for process in psutil.process_iter() if _belongs(process, sessions, home)] if sessions else []
    for process in leftovers:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(leftovers, timeout=_WAIT_S)
    return len(leftovers)


def _belongs(process: psutil.Process, sessions: set[int], home: Home) -> bool:
    try:
        if os.getsid(process.pid) not in sessions or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get(HOME_VARIABLE) == str(home.root)
    except (OSError, psutil.Error):
        return False
