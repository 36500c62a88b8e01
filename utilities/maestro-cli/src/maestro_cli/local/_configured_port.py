"""The port that the user wants a service to listen on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from maestro_cli._errors import InputError

from ._discovery import ServiceSpec, config_points
from ._env_file import env_file

_HIGHEST: Final = 65_535


def configured_port(spec: ServiceSpec, environ: Mapping[str, str], config_dir: Path | None) -> int:
    """Find the port that is configured for a service.

    Args:
        spec: The service.
        environ: The user's environment.
        config_dir: Folder with configuration files; None when there is none.

    Returns:
        The port; 0 when none is configured, or when the configuration is faulty: the service itself says how.

    Raises:
        InputError: The service's variable for it holds something else.
    """
    variable = f"{spec.variable_prefix}PORT"
    if text := environ.get(variable, "").strip():
        if not text.isdigit() or int(text) > _HIGHEST:
            raise InputError(f"{variable} is {text!r}, which is no port", hint="Set it to 0 for any free port.")
        return int(text)
    point = config_points().get(spec.name)
    variables = env_file(environ)
    if point is None or not (config_dir or variables):
        return 0
    # Every command would pay for this import, and it is wanted by those with configuration files only.
    from maestro_core_config import ConfigError, ConfigManager  # noqa: PLC0415

    try:
        return int(ConfigManager(point.load(), config_dir=config_dir, environ=environ, env_file=variables).load().port)
    except ConfigError:
        return 0
