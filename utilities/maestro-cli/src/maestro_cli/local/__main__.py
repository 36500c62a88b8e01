"""The supervisor as a process of its own: what `maestro up --detach` starts."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

from maestro_cli._errors import MaestroCliError
from maestro_core_logging import configure_logging, get_logger

from ._changes import changes
from ._database import DatabaseKind
from ._discovery import installed_services
from ._engine import Engine
from ._environment import own_environment
from ._home import Home
from ._options import SupervisorOptions
from ._run import run_supervisor
from ._state import EnvironmentState
from ._supervisor import Supervisor


def main() -> None:
    """Run a supervisor in the background; it reports in its log and in `state.json`."""
    parser = argparse.ArgumentParser(prog="python -m maestro_cli.local")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--config-dir", type=Path)
    parser.add_argument("--ready-timeout-s", type=float, required=True)
    parser.add_argument("--grace-s", type=float, required=True)
    parser.add_argument("--engine", type=Engine)
    parser.add_argument("--gateway", action="store_true")
    parser.add_argument("--database", type=DatabaseKind)
    parser.add_argument("services", nargs="*")
    options = parser.parse_args()
    configure_logging("maestro-supervisor", log_format="json", stream=sys.stderr)
    logger = get_logger("maestro_cli.local")
    seen: EnvironmentState | None = None

    def observe(state: EnvironmentState) -> None:
        nonlocal seen
        for change in changes(seen, state):
            (logger.warning if change.bad else logger.info)(change.text, name=change.service)
        seen = state

    try:
        supervisor = Supervisor(
            Home(options.home),
            installed_services(options.services),
            own_environment(),
            options=SupervisorOptions(
                ready_timeout=timedelta(seconds=options.ready_timeout_s),
                grace=timedelta(seconds=options.grace_s),
                engine=options.engine,
                gateway=options.gateway,
                database=options.database,
            ),
            config_dir=options.config_dir,
            observe=observe,
        )
        run_supervisor(supervisor)
    except MaestroCliError as error:
        logger.error(error.message, code=error.code, hint=error.hint)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
