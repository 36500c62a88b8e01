"""`maestro deploy`: bring a service of the local environment to what is installed now."""

import time
from datetime import timedelta
from typing import Final

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import NotRunningError, StartFailedError
from maestro_cli.local import (
    Home,
    ServicePhase,
    ServiceState,
    ask_restart,
    describe_exit,
    installed_services,
    load_state,
    lock_holder,
    tail,
)
from maestro_core_logging import get_logger

from ._options import Seconds

_PAUSE: Final = timedelta(milliseconds=50)
_TAIL_LINES: Final = 20
_TROUBLE: Final = frozenset({ServicePhase.BACKING_OFF, ServicePhase.FAILED})


@click.command(short_help="Start a service anew.")
@click.argument("service_name")
@click.option("--timeout", type=Seconds(), default="60", show_default=True, help="How long to wait until it is ready.")
@click.pass_obj
def deploy(home: Home, service_name: str, timeout: timedelta) -> None:
    """Start SERVICE_NAME in the environment that runs; if it runs already, end it and start it anew.

    The service keeps its address. One that was installed after `maestro up` joins the environment.
    """
    logger = get_logger(__name__)
    installed_services([service_name])
    before = _service(home, service_name)
    supervisor = lock_holder(home)
    if not supervisor:
        raise NotRunningError(home.root)
    logger.info("Deploying service", service=service_name)
    ask_restart(home, supervisor, service_name)
    with render.err().status(f"Deploying {service_name} …"):
        after = _wait(home, before, service_name, timeout)
    render.err().print(f"{service_name} is ready at {after.url}, process {after.pid}.", markup=False, soft_wrap=True)


def _wait(home: Home, before: ServiceState | None, name: str, timeout: timedelta) -> ServiceState:
    deadline = time.monotonic() + timeout.total_seconds()
    old_pid = None if before is None else before.pid
    replaced = old_pid is None
    while True:
        now = _service(home, name)
        if now is not None:
            replaced = replaced or now.pid != old_pid
            if replaced and now.phase is ServicePhase.READY:
                return now
            if replaced and now.phase in _TROUBLE and now != before:
                ended = "" if now.last_exit is None else f": {describe_exit(now.last_exit)}"
                raise _failed(home, name, f"it ended{ended}", now.last_exit)
        if time.monotonic() >= deadline:
            raise _failed(home, name, f"it was not ready within {timeout.total_seconds():g} s", None)
        time.sleep(_PAUSE.total_seconds())


def _service(home: Home, name: str) -> ServiceState | None:
    if lock_holder(home) is None:
        raise NotRunningError(home.root)
    state = load_state(home)
    return None if state is None else state.service(name)


def _failed(home: Home, name: str, reason: str, exit_code: int | None) -> StartFailedError:
    log_file = home.log_file(name)
    return StartFailedError(
        name, reason, process_exit_code=exit_code, log_file=log_file, log_tail=tail(log_file, _TAIL_LINES)
    )
