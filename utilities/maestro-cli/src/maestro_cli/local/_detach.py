"""Starting a supervisor in the background and waiting until its environment runs."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from maestro_cli._errors import HomeError, MaestroCliError, NotRunningError, StartFailedError

from ._home import Home
from ._lock import lock_holder
from ._log_tail import tail
from ._options import SupervisorOptions
from ._state import EnvironmentPhase, EnvironmentState, StartFailure, load_state
from ._stop import stop_environment

SUPERVISOR: Final = "supervisor"
_PAUSE: Final = timedelta(milliseconds=50)
_TAIL_LINES: Final = 20


class Lifetime(StrEnum):
    """How long an environment lives."""

    OWN = "own"
    """Until it is stopped."""
    CALLERS = "callers"
    """No longer than the process that has started it, even when that is killed."""


@dataclass(frozen=True, slots=True)
class Detached:
    """An environment that was started in the background."""

    state: EnvironmentState
    """Where it stood when it was ready."""
    supervisor: "subprocess.Popen[bytes]"
    """Its supervisor, to be waited for by a caller that outlives it."""


Watch = Callable[[EnvironmentState], None]


def start_detached(
    home: Home,
    services: Sequence[str],
    environ: Mapping[str, str],
    *,
    options: SupervisorOptions,
    config_dir: Path | None = None,
    lifetime: Lifetime = Lifetime.OWN,
    watch: Watch = lambda _: None,
) -> Detached:
    """Start an environment under a supervisor in the background.

    Args:
        home: The environment's folder.
        services: Names of the services; all installed ones when empty.
        environ: The user's environment.
        options: Time limits.
        config_dir: Folder with configuration files; None when there is none.
        lifetime: Whether it outlives this process.
        watch: Called with the state whenever it was read.

    Returns:
        The environment, which runs, and its supervisor's process.

    Raises:
        HomeError: The home cannot be used.
        StartFailedError: A service did not come up; everything has been stopped.
        MaestroCliError: Another fault kept it from starting.
    """
    from maestro_core_config import tethered  # noqa: PLC0415  commands that start nothing do without

    home.prepare()
    log_file = home.log_file(SUPERVISOR)
    command = [sys.executable, "-m", "maestro_cli.local", "--home", str(home.root)]
    command += ["--ready-timeout-s", str(options.ready_timeout.total_seconds())]
    command += ["--grace-s", str(options.grace.total_seconds())]
    command += ["--engine", options.engine] if options.engine else []
    command += ["--gateway"] if options.gateway else []
    command += ["--database", options.database] if options.database else []
    command += ["--config-dir", str(config_dir)] if config_dir else []
    try:
        log = log_file.open("ab")
    except OSError as error:
        raise HomeError(log_file, error.strerror or str(error)) from error
    with log:
        supervisor = subprocess.Popen(
            [*(tethered() if lifetime is Lifetime.CALLERS else ()), *command, *services],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=dict(environ),
        )
    try:
        return Detached(_wait(home, supervisor, watch), supervisor)
    except (KeyboardInterrupt, SystemExit):
        stop_environment(home, grace=options.grace, supervisor_pid=supervisor.pid)
        supervisor.wait()
        raise


def follow_start(home: Home, watch: Watch = lambda _: None) -> EnvironmentState:
    """Wait for an environment that another process starts.

    Args:
        home: The environment's folder.
        watch: Called with the state whenever it was read.

    Returns:
        The state of the environment, which runs.

    Raises:
        StartFailedError: A service did not come up.
        NotRunningError: It was stopped meanwhile.
        MaestroCliError: Another fault kept it from starting.
    """
    return _wait(home, None, watch)


def failure_error(failure: StartFailure) -> MaestroCliError:
    """Turn what `state.json` tells of a failed start into the error that it was.

    Args:
        failure: What is told.

    Returns:
        The error, to be raised.
    """
    if failure.service is None or failure.log_file is None:
        return MaestroCliError(failure.message, hint=failure.hint)
    return StartFailedError(
        failure.service,
        failure.reason,
        process_exit_code=failure.process_exit_code,
        log_file=failure.log_file,
        log_tail=failure.log_tail,
        hint=failure.hint,
    )


def _wait(home: Home, supervisor: "subprocess.Popen[bytes] | None", watch: Watch) -> EnvironmentState:
    while True:
        # Whether it lives is asked first: what it wrote before it ended is then surely seen.
        alive = lock_holder(home) is not None if supervisor is None else supervisor.poll() is None
        state = load_state(home)
        current = state is not None and (supervisor is None or state.supervisor_pid == supervisor.pid)
        if state is not None and current:
            watch(state)
            if state.phase is EnvironmentPhase.RUNNING and alive:
                return state
            if state.phase is EnvironmentPhase.FAILED and state.failure is not None and not alive:
                raise failure_error(state.failure)
        if not alive and supervisor is not None and lock_holder(home) is not None:
            # Another one was started at the same moment and was faster.
            return _wait(home, None, watch)
        if not alive:
            raise _ended(home, supervisor)
        time.sleep(_PAUSE.total_seconds())


def _ended(home: Home, supervisor: "subprocess.Popen[bytes] | None") -> MaestroCliError:
    if supervisor is None or supervisor.returncode == 0:
        return NotRunningError(home.root, "it was stopped while it started")
    log_file = home.log_file(SUPERVISOR)
    return StartFailedError(
        SUPERVISOR,
        "it ended",
        process_exit_code=supervisor.returncode,
        log_file=log_file,
        log_tail=tail(log_file, _TAIL_LINES),
    )
