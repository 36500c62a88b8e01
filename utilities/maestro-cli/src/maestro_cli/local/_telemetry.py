"""The telemetry store of a local environment: where services send their traces and logs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ._discovery import TELEMETRY
from ._env_file import is_said
from ._home import Home
from ._ports import LOOPBACK
from ._secrets import token_file

ENDPOINT_VARIABLE: Final = "MAESTRO_OTLP_ENDPOINT"
_TOKEN_FILE_VARIABLE: Final = "MAESTRO_OTLP_TOKEN_FILE"  # noqa: S105 - a variable's name


def wants_telemetry(environ: Mapping[str, str]) -> bool:
    """Tell whether the environment brings a store: it does unless the user has said where telemetry goes.

    Args:
        environ: The user's environment.
    """
    return not is_said(environ, ENDPOINT_VARIABLE)


def telemetry_variables(home: Home, port: int) -> dict[str, str]:
    """Say what services are told of the store.

    Args:
        home: The environment's folder.
        port: Where it listens.
    """
    return {ENDPOINT_VARIABLE: f"http://{LOOPBACK}:{port}", _TOKEN_FILE_VARIABLE: str(telemetry_token_file(home))}


def telemetry_token_file(home: Home) -> Path:
    """Tell where the token lies that services show the store.

    Args:
        home: The environment's folder.
    """
    return token_file(home, TELEMETRY)
