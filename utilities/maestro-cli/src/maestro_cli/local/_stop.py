"""Ending an environment from another process."""

import contextlib
import os
import signal
import time
from datetime import timedelta
from typing import Final

import psutil

from maestro_cli._errors import StopFailedError

from ._home import Home
from ._leftovers import sweep_leftovers
from ._lock import lock_holder

_PAUSE: Final = timedelta(milliseconds=50)
# Ending takes two rounds of grace (the services, then the registry) and some bookkeeping.
_ROUNDS: Final = 2
_MARGIN: Final = timedelta(seconds=5)


def stop_environment(home: Home, *, grace: timedelta, supervisor_pid: int | None = None) -> bool:
    """Stop what runs and clear away what a killed supervisor has left.

    Args:
        home: The environment's folder.
        grace: How long a service may take to end before it is killed.
        supervisor_pid: The supervisor, when the caller has just started it and it may not hold the lock yet.

    Returns:
        Whether anything was running.

    Raises:
        StopFailedError: The supervisor does not even end when it is killed.
    """
    holder = lock_holder(home)
    pid = holder or supervisor_pid
    if holder is None and supervisor_pid is None:
        return _cleared(home) > 0
    supervisor = _process(pid)
    if pid:
        _signal(pid, signal.SIGTERM)
    if not _released(home, _ROUNDS * grace + _MARGIN):
        pid = lock_holder(home) or pid or 0
        if pid:
            _signal(pid, signal.SIGKILL)
        if not _released(home, _MARGIN):
            raise StopFailedError(pid)
    if supervisor is not None:
        # It gives up the lock some instants before it is gone.
        with contextlib.suppress(psutil.Error):
            supervisor.wait(_MARGIN.total_seconds())
    # One that ended in order has taken its state along; one that was killed, by whomever, has left services behind.
    if home.state_file.exists() and lock_holder(home) is None:
        _cleared(home)
    return True


def _cleared(home: Home) -> int:
    swept = sweep_leftovers(home)
    home.state_file.unlink(missing_ok=True)
    return swept


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return psutil.Process(pid) if pid else None
    except psutil.NoSuchProcess:
        return None


def _released(home: Home, patience: timedelta) -> bool:
    deadline = time.monotonic() + patience.total_seconds()
    while lock_holder(home) is not None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE.total_seconds())
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
