"""The port that the user wants a service to listen on."""

from collections.abc import Mapping
from pathlib import Path

from maestro_core_config import ConfigError, ConfigManager

from ._discovery import ServiceSpec, config_points


def configured_port(spec: ServiceSpec, environ: Mapping[str, str], config_dir: Path | None) -> int:
    """Find the port that is configured for a service.

    Args:
        spec: The service.
        environ: The user's environment.
        config_dir: Folder with configuration files; None when there is none.

    Returns:
        The port; 0 when none is configured, or when the configuration is faulty: the service itself says how.
    """
    point = config_points().get(spec.name)
    if config_dir is None or point is None:
        text = environ.get(f"{spec.variable_prefix}PORT", "").strip()
        return int(text) if text.isdigit() else 0
    try:
        return int(ConfigManager(point.load(), config_dir=config_dir, environ=environ).load().port)
    except ConfigError:
        return 0
